"""inputs/snapshot.jsonl as records: one judgement each, strictly read (docs/architecture.md)."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from runs.folder.errors import BadInput

SPLITS = ("train", "validation", "test")
VERDICTS = ("ranked", "all_bad", "cannot_tell")
ROLES = ("system", "user", "assistant")

Pair = tuple[int, int]


class Completion(NamedTuple):
    """One of the texts that were ranked; ``source`` is who wrote it, where that is known."""

    id: str
    text: str
    source: str | None


class Record(NamedTuple):
    """A line of the snapshot. ``pairs`` holds (i, j), i preferred to j: indices into ``completions``.

    ``tiers`` are dense, 1 is best. ``order_shown[n]`` is the completion that was shown n-th, where that is known.
    """

    ranking: str
    task: str
    form: str
    messages: tuple[Mapping[str, str], ...]
    split: str
    annotator: str | None
    verdict: str
    completions: tuple[Completion, ...]
    tiers: tuple[int, ...]
    pairs: tuple[Pair, ...]
    ties: tuple[Pair, ...]
    strength: float | None
    order_shown: tuple[int, ...] | None
    simulated: bool

    @property
    def prompt_key(self) -> str:
        """Equal for equal prompts."""
        return json.dumps([self.form, [[m["role"], m["content"]] for m in self.messages]], ensure_ascii=False)

    @property
    def texts(self) -> list[str]:
        return [completion.text for completion in self.completions]


def read_snapshot(path: Path) -> list[Record]:
    """The records of a snapshot in its order. Raises BadInput naming the line, the field and what is wrong."""
    if not path.is_file():
        raise BadInput(f"{path} is missing: a snapshot of judgements must be there")
    records = []
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                records.append(parse_record(json.loads(line.decode())))
            except (ValueError, TypeError, RecursionError) as error:
                raise BadInput(f"{path.name}, line {number}: {error}") from error
    return records


def parse_record(line: Any) -> Record:
    """One line of the snapshot. Raises ValueError naming the field."""
    if not isinstance(line, dict):
        raise ValueError("it must be a JSON object")
    completions = tuple(_completion(each) for each in _list(line, "completions"))
    ranked = _choice(line, "verdict", VERDICTS) == "ranked"
    record = Record(
        ranking=_id(line, "ranking"),
        task=_id(line, "task"),
        form=_choice(line, "form", ("text", "chat")),
        messages=parse_messages(_list(line, "prompt")),
        split=_choice(line, "split", SPLITS),
        annotator=_optional(line, "annotator", str),
        verdict=line["verdict"],
        completions=completions,
        tiers=_whole_numbers(line, "tiers", len(completions) if ranked else 0),
        pairs=_pairs(line, "pairs", len(completions)),
        ties=_pairs(line, "ties", len(completions)),
        strength=_strength(line),
        order_shown=_order(line, len(completions)),
        simulated=_flag(line, "simulated"),
    )
    _check_pairs(record)
    return record


def parse_messages(value: Sequence[Any]) -> tuple[Mapping[str, str], ...]:
    """A prompt's messages. Raises ValueError where one is not a role and a text."""
    if not value:
        raise ValueError("prompt: it has no messages")
    for message in value:
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            raise ValueError(f"prompt: a message's role must be one of {', '.join(ROLES)}")
        if not isinstance(message.get("content"), str):
            raise ValueError("prompt: a message's content must be a text")
    return tuple(value)


def _check_pairs(record: Record) -> None:
    """Pairs and ties must be those of the tiers, each once; a verdict without tiers has neither."""
    if record.verdict != "ranked" and (record.pairs or record.ties):
        raise ValueError(f"pairs: a ranking with verdict {record.verdict} gives no order")
    for i, j in record.pairs:
        if record.tiers[i] >= record.tiers[j]:
            raise ValueError(f"pairs: [{i}, {j}] is not in the order of the tiers")
    for i, j in record.ties:
        if record.tiers[i] != record.tiers[j]:
            raise ValueError(f"ties: [{i}, {j}] do not share a tier")
    given = [frozenset(pair) for pair in record.pairs + record.ties]
    places = len(record.tiers)
    if len(set(given)) != len(given) or len(given) != places * (places - 1) // 2:
        raise ValueError(f"pairs: with ties they must be all pairs of {places} completions, each once")


def _field(line: Mapping[str, Any], name: str) -> Any:
    if name not in line:
        raise ValueError(f"{name}: it is missing")
    return line[name]


def _list(line: Mapping[str, Any], name: str) -> list[Any]:
    value = _field(line, name)
    if not isinstance(value, list):
        raise ValueError(f"{name}: it must be a list")
    return value


def _id(line: Mapping[str, Any], name: str) -> str:
    value = _field(line, name)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"{name}: it must be a text or a whole number")
    return str(value)


def _choice(line: Mapping[str, Any], name: str, choices: Sequence[str]) -> str:
    value = _field(line, name)
    if value not in choices:
        raise ValueError(f"{name}: it must be one of {', '.join(choices)}, not {value!r}")
    return str(value)


def _optional(line: Mapping[str, Any], name: str, kind: Any) -> Any:
    value = line.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, kind)):
        raise ValueError(f"{name}: {value!r} is not what it must be")
    return value


def _strength(line: Mapping[str, Any]) -> float | None:
    value = _optional(line, "strength", int | float)
    if value is not None and not math.isfinite(value):
        raise ValueError(f"strength: {value!r} is not a finite number")
    return None if value is None else float(value)


def _flag(line: Mapping[str, Any], name: str) -> bool:
    value = _field(line, name)
    if not isinstance(value, bool):
        raise ValueError(f"{name}: it must be true or false")
    return value


def _completion(value: Any) -> Completion:
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        raise ValueError("completions: each must be an object with a text")
    return Completion(_id(value, "id"), value["text"], _optional(value, "source", str))


def _whole_numbers(line: Mapping[str, Any], name: str, count: int) -> tuple[int, ...]:
    value = _list(line, name)
    if len(value) != count or not all(type(each) is int for each in value):
        raise ValueError(f"{name}: it must be {count} whole numbers")
    return tuple(value)


def _pairs(line: Mapping[str, Any], name: str, count: int) -> tuple[Pair, ...]:
    return tuple(_pair(each, name, count) for each in _list(line, name))


def _pair(value: Any, name: str, count: int) -> Pair:
    whole = isinstance(value, list) and len(value) == 2 and all(type(each) is int for each in value)
    if not whole or value[0] == value[1] or not all(0 <= each < count for each in value):
        raise ValueError(f"{name}: {value!r} must be two different places in completions")
    return (value[0], value[1])


def _order(line: Mapping[str, Any], count: int) -> tuple[int, ...] | None:
    value = line.get("order_shown")
    if value is None:
        return None
    if not isinstance(value, list) or sorted(value) != list(range(count)):
        raise ValueError("order_shown: it must hold every place in completions once")
    return tuple(value)


def count_verdicts(records: Iterable[Record]) -> dict[str, dict[str, int]]:
    """Of each split how many rankings had which verdict."""
    counts = {split: dict.fromkeys(VERDICTS, 0) for split in SPLITS}
    for record in records:
        counts[record.split][record.verdict] += 1
    return counts
