"""A stream of lines, all or nothing: read, parsed, and stored batch by batch in one transaction.

Where Postgres gives that up for another's, it begins again (runs.writing), and so does the reading of the lines.
"""

import itertools
import json
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar, cast

from django.conf import settings

from annotation.errors import BadFile, BadLine, BadRequest
from annotation.files.collector import few_collections
from annotation.files.intake import demonstrations, flags, gold, prompts, rankings, ratings, skips, tasks
from annotation.files.intake.copying import written_behind
from annotation.files.intake.desk import Desk, Numbered, Report, close_desk, open_desk
from annotation.files.jsonl.errors import BadField, BrokenFile
from annotation.files.jsonl.fields import Limits
from annotation.files.jsonl.kinds import KINDS, parse, parse_scorable
from annotation.files.jsonl.lines import RawLine, read_lines
from annotation.files.jsonl.records import Line
from annotation.models import Project
from runs.writing import write

# A batch ends at either, so that its lines and rows stay small in memory.
BATCH_LINES, BATCH_BYTES = 1000, 8_000_000
T = TypeVar("T")
# All of them from the first on, each time it is called.
Lines = Callable[[], Iterable[RawLine]]
_STORES: dict[str, Callable[[Desk, Any], object]] = {
    "prompts": prompts.store,
    "completions": tasks.store,
    "demonstrations": demonstrations.store,
    "rankings": rankings.store,
    "pairs": rankings.store,
    "ratings": ratings.store,
    "gold": gold.store,
    "gold_rankings": rankings.store,
    "repeats": rankings.store,
    "adjudications": rankings.store,
    "flags": flags.store,
    "skips": skips.store,
}


def import_file(
    *,
    project: Project,
    kind: str,
    stream: IO[bytes],
    skip_bad: bool = False,
    watch: Callable[[int], None] = lambda lines: None,
) -> Report:
    """Import lines of ``kind`` from a stream of JSONL, gzip or not; ``watch`` hears how many lines are done.

    All or nothing: one bad line leaves the database as it was (BadFile names the lines), unless ``skip_bad`` asks
    for the rest. Locks the project's desk, and waits for it. Raises BadRequest for an unknown kind or a damaged file.
    """
    return _import(project, kind, _lines_of(stream), skip_bad, watch, patient=True)


def import_lines(
    *,
    project: Project,
    kind: str,
    lines: Lines,
    skip_bad: bool = False,
    watch: Callable[[int], None] = lambda lines: None,
) -> Report:
    """The same, from lines that were made of something else (annotation.files.foreign)."""
    return _import(project, kind, lines, skip_bad, watch, patient=True)


@write
def import_values(*, project: Project, kind: str, values: Sequence[Mapping[str, Any]]) -> Report:
    """The same, from objects in the form of the kind's lines, by somebody who does not wait long. Raises Busy."""
    lines = [RawLine(number, json.dumps(value).encode()) for number, value in enumerate(values, start=1)]
    return _import(project, kind, lambda: lines, False, lambda done: None, patient=False)


def _lines_of(stream: IO[bytes]) -> Lines:
    """Those from where the stream stands now. A pipe gives them once, and a second time it raises BadRequest."""
    start = stream.tell() if stream.seekable() else None
    readings = itertools.count()

    def lines() -> Iterator[RawLine]:
        if next(readings):
            if start is None:
                raise BadRequest(
                    "Nothing is imported: somebody else's change came first, and what comes through a pipe cannot be "
                    "read again. Send it once more, or name the file."
                )
            stream.seek(start)
        return read_lines(stream, settings.MAX_LINE_BYTES)

    return lines


@few_collections()
@write
def _import(
    project: Project,
    kind: str,
    lines: Lines,
    skip_bad: bool,
    watch: Callable[[int], None],
    *,
    patient: bool,
) -> Report:
    if kind not in KINDS:
        raise BadRequest(f"There is no kind {kind!r}: it is one of {', '.join(KINDS)}.")
    desk = open_desk(project, patient=patient)
    try:
        # Closed at once, so that nobody reads ahead any more where it begins again.
        with written_behind(), closing(_read_ahead(_batches(kind, lines()))) as batches:
            for batch in batches:
                desk.report.lines += batch.read
                for number, error in batch.bad:
                    desk.report.refuse(number, error)
                _STORES[kind](desk, batch.good)
                watch(desk.report.lines)
    except BrokenFile as error:
        raise BadRequest(f"Nothing is imported: {error}.") from error
    if desk.report.bad and not skip_bad:
        raise bad_file(desk.report)
    close_desk(desk)
    return desk.report


def bad_file(report: Report) -> BadFile:
    """The error that names a report's bad lines."""
    return BadFile(sorted(report.bad_lines), report.bad - len(report.bad_lines))


class _Batch(NamedTuple):
    """Lines that were read, parsed, and found bad."""

    good: list[Numbered[Line]]
    bad: list[tuple[int, BadField]]

    @property
    def read(self) -> int:
        return len(self.good) + len(self.bad)


def _batches(kind: str, lines: Iterable[RawLine]) -> Iterator[_Batch]:
    most = limits()
    batch = _Batch([], [])
    size = 0
    for raw in lines:
        try:
            batch.good.append(Numbered(raw.number, parse(kind, _whole(raw), most)))
        except BadField as error:
            batch.bad.append((raw.number, error))
        size += len(raw.data or b"")
        if batch.read >= BATCH_LINES or size >= BATCH_BYTES:
            yield batch
            batch, size = _Batch([], []), 0
    if batch.read:
        yield batch


def _read_ahead(items: Iterator[T]) -> Generator[T, None, None]:
    """The items, each made in a thread while the one before it is stored: most of storing is waiting for Postgres."""
    end = object()
    with ThreadPoolExecutor(1, "read-ahead") as pool:
        coming = pool.submit(next, items, end)
        while (item := coming.result()) is not end:
            coming = pool.submit(next, items, end)
            yield cast("T", item)


def limits() -> Limits:
    """Of a text and of a line, by the settings."""
    return Limits(text_bytes=settings.MAX_TEXT_BYTES, line_bytes=settings.MAX_LINE_BYTES)


def _whole(raw: RawLine) -> bytes:
    if raw.error is not None:
        raise raw.error
    if raw.data is None:
        allowed = "the most that whoever runs Concord allows (CONCORD_MAX_LINE_BYTES)"
        raise BadField("", f"is longer than {settings.MAX_LINE_BYTES} bytes, {allowed}")
    return raw.data


def open_input(path: str) -> AbstractContextManager[IO[bytes]]:
    """A file to import; "-" is stdin. Raises BadRequest where there is no such file."""
    if path == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(name: str | Path, error: OSError) -> BadRequest:
    """What whoever named a file is told where the machine cannot open or read it."""
    return BadRequest(f"{name} cannot be read: {error.strerror}.")


def read_scorable(path: str) -> Iterator[dict[str, Any]]:
    """Lines of ``{"prompt", "completion"}`` from a file or stdin as ``{"form", "prompt": [message], "completion"}``.

    Raises BadFile at the first bad line, BadRequest where the file cannot be read.
    """
    with open_input(path) as stream:
        try:
            yield from _scorable(read_lines(stream, settings.MAX_LINE_BYTES))
        except BrokenFile as error:
            raise BadRequest(f"{path}: {error}.") from error


def scorable_values(values: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same of objects ``{"prompt", "completion"}``; the number of a bad one counts from 1. Raises BadFile."""
    lines = (RawLine(number, json.dumps(value).encode()) for number, value in enumerate(values, start=1))
    return list(_scorable(lines))


def _scorable(lines: Iterable[RawLine]) -> Iterator[dict[str, Any]]:
    for raw in lines:
        try:
            line = parse_scorable(_whole(raw), limits())
        except BadField as error:
            raise BadFile([BadLine(raw.number, error.field, error.reason)]) from error
        yield {"form": line.prompt.form, "prompt": line.prompt.messages, "completion": line.text}
