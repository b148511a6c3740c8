"""Lines of JSONL without what was withdrawn. The ids stay, so that what stood there can still be named.

A line keeps its form: a reader, such as a run that begins again, finds a judgement that says nothing.
"""

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

from runs.folder.files import file_digest, read_json, write_json

Line = dict[str, Any]


class Erased(NamedTuple):
    """Public ids of what is gone, and digests of prompts."""

    rankings: frozenset[str]
    completions: frozenset[str]
    demonstrations: frozenset[str]
    prompts: frozenset[str]

    @classmethod
    def of(cls, ids: Mapping[str, list[str]]) -> "Erased":
        """Read back what ``as_json`` gave."""
        return cls(*(frozenset(ids.get(name, ())) for name in cls._fields))

    def as_json(self) -> dict[str, list[str]]:
        """For a JSON column."""
        return {name: sorted(ids) for name, ids in self._asdict().items()}


def _ranking(line: Line, gone: Erased) -> Line | None:
    """Of inputs/snapshot.jsonl: nobody cannot tell texts apart that are empty."""
    completion_ids = {str(item["id"]) for item in line["completions"]}
    if str(line["ranking"]) not in gone.rankings and not completion_ids & gone.completions:
        return None
    return {
        **line,
        "prompt": _silent(line["prompt"]),
        "annotator": None,
        "verdict": "cannot_tell",
        "completions": [{**item, "text": ""} for item in line["completions"]],
        **{name: [] for name in ("tiers", "pairs", "ties")},
        "strength": None,
        "order_shown": None,
    }


def _demonstration(line: Line, gone: Erased) -> Line | None:
    if str(line["id"]) not in gone.demonstrations:
        return None
    return {**line, "prompt": _silent(line["prompt"]), "completion": ""}


def _prompt(line: Line, gone: Erased) -> Line | None:
    return {**line, "prompt": _silent(line["prompt"])} if str(line["id"]) in gone.prompts else None


def _sample(line: Line, gone: Erased) -> Line | None:
    if str(line["prompt_id"]) not in gone.prompts:
        return None
    return {**line, "completions": [{**item, "text": ""} for item in line["completions"]]}


def _watched(line: Line, gone: Erased) -> Line | None:
    return {**line, "answer": ""} if str(line["prompt_id"]) in gone.prompts else None


def _scored(line: Line, gone: Erased) -> Line | None:
    if str(line["prompt_id"]) not in gone.prompts and str(line["completion_id"]) not in gone.completions:
        return None
    return {**line, "prompt": _silent(line["prompt"]), "completion": ""}


def _silent(messages: list[Line]) -> list[Line]:
    return [{**message, "content": ""} for message in messages]


# The files of runs that hold text, by name (docs/architecture.md): what a line becomes, or None where it may stay.
ERASERS: dict[str, Callable[[Line, Erased], Line | None]] = {
    "snapshot.jsonl": _ranking,
    "demonstrations.jsonl": _demonstration,
    "prompts.jsonl": _prompt,
    "samples.jsonl": _sample,
    "scored.jsonl": _scored,
    "watched.jsonl": _watched,
}


def silenced(value: Any, gone: Erased) -> Any:
    """A report's JSON value in which every example of a prompt that is gone, known by ``prompt_id``, has no text."""
    if isinstance(value, list):
        return [silenced(item, gone) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("prompt_id") in gone.prompts:
        return {name: item if name == "prompt_id" else _mute(item) for name, item in value.items()}
    return {name: silenced(item, gone) for name, item in value.items()}


def _mute(value: Any) -> Any:
    if isinstance(value, list):
        return [_mute(item) for item in value]
    if isinstance(value, dict):
        return {name: item if name == "role" else _mute(item) for name, item in value.items()}
    return "" if isinstance(value, str) else value


def erase_reports(folder: Path, gone: Erased) -> list[str]:
    """Take examples out of a folder's report.json and meta.json; returns the names of the files that changed.

    meta.json lists the digest of each file beside it, and a folder is refused where they differ: it follows.
    """
    changed = [name for name in ("report.json", "meta.json") if _erase_report(folder / name, gone)]
    meta = folder / "meta.json"
    if "report.json" in changed and meta.is_file():
        described = read_json(meta)
        if "report.json" in described.get("files", {}):
            described["files"]["report.json"] = file_digest(folder / "report.json")
            write_json(meta, described)
            changed.append("meta.json")
    return sorted(set(changed))


def _erase_report(path: Path, gone: Erased) -> bool:
    if not path.is_file():
        return False
    report = read_json(path)
    silent = silenced(report, gone)
    if silent == report:
        return False
    write_json(path, silent)
    return True


def holds(file: IO[str], name: str, gone: Erased) -> bool:
    """Whether the file called ``name`` has a line about what is gone, erased already or not."""
    return any(ERASERS[name](json.loads(line), gone) is not None for line in file if line.strip())


def without(source: IO[str], target: IO[str], name: str, gone: Erased) -> None:
    """Copy the file line by line; what may stay keeps its bytes."""
    for line in source:
        changed = ERASERS[name](json.loads(line), gone) if line.strip() else None
        target.write(line if changed is None else json.dumps(changed, ensure_ascii=False) + "\n")


def erase(path: Path, gone: Erased) -> None:
    """Put the file without what is gone in its place, whole or not at all."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    part = Path(name)
    try:
        with path.open(encoding="utf-8") as source, os.fdopen(descriptor, "w", encoding="utf-8") as target:
            without(source, target, path.name, gone)
            target.flush()
            os.fsync(target.fileno())
        part.chmod(path.stat().st_mode & 0o777)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
