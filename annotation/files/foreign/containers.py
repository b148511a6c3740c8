"""What holds records: one object a line, a list, rows of a table. Told by how the file begins, not by its name."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from annotation.files.jsonl.decoding import decode
from annotation.files.jsonl.errors import BadField, BrokenFile
from annotation.files.jsonl.formats import HEAD_BYTES, begins_list, goes_over_lines, without_mark
from annotation.files.jsonl.lines import read_lines, unzipped

_ROWS = 500
_CHUNK = 1 << 20
# What stands between the records of a list.
_BETWEEN = re.compile(r"[\s,\[]*")
_DELIMITERS = ",;\t"
# The names that splits have elsewhere, and here.
_SPLITS = {
    "train": "train",
    "validation": "validation",
    "valid": "validation",
    "dev": "validation",
    "test": "test",
}


class Record(NamedTuple):
    """``number`` counts from 1. ``error`` says why there are no values."""

    number: int
    values: dict[str, Any]
    error: BadField | None = None


class Container(NamedTuple):
    """A file or folder: what it is, in words, and its records, as often as they are asked for."""

    title: str
    records: Callable[[], Iterator[Record]]


def open_container(path: Path, most_bytes: int) -> Container:
    """``path`` as a container; no record may have more than ``most_bytes``. Raises BrokenFile where it is none."""
    if path.is_dir():
        return _folder(path)
    head = _head(path)
    if head.startswith(b"PAR1"):
        return Container("Parquet", lambda: _numbered(_parquet_rows(path)))
    if head.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return Container("Arrow", lambda: _numbered(_arrow_rows(path)))
    text = without_mark(head).decode(errors="replace")
    if begins_list(text) or goes_over_lines(text):
        return Container("a JSON list", lambda: _json_list(path, most_bytes))
    if not text.startswith("{") and (delimiter := _delimiter(text)):
        return Container("CSV", lambda: _table(path, delimiter, most_bytes))
    return Container("JSON Lines", lambda: _lines(path, most_bytes))


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return unzipped(file).peek(HEAD_BYTES)[:HEAD_BYTES]


def _delimiter(text: str) -> str:
    """What parts the names of a table's first line; empty where it is no such line."""
    first = text.partition("\n")[0]
    best = max(_DELIMITERS, key=first.count)
    return best if first.count(best) else ""


def _numbered(rows: Iterator[dict[str, Any]]) -> Iterator[Record]:
    for number, row in enumerate(rows, start=1):
        yield Record(number, _without_nulls(row))


def _without_nulls(row: dict[str, Any]) -> dict[str, Any]:
    """A table has every column in every row: an empty cell is a field that is not there."""
    return {name: value for name, value in row.items() if value is not None and value != ""}


def _lines(path: Path, most_bytes: int) -> Iterator[Record]:
    with path.open("rb") as file:
        for raw in read_lines(file, most_bytes):
            if raw.data is None:
                yield Record(raw.number, {}, BadField("", f"is longer than {most_bytes} bytes"))
                continue
            try:
                yield Record(raw.number, decode(raw.data))
            except BadField as error:
                yield Record(raw.number, {}, error)


def _json_list(path: Path, most_bytes: int) -> Iterator[Record]:
    """A list, or objects one after the other over several lines, a piece of the file at a time."""
    decoder = json.JSONDecoder()
    with path.open("rb") as file, io.TextIOWrapper(unzipped(file), encoding="utf-8-sig") as text:
        waiting, place, number = text.read(_CHUNK), 0, 0
        while True:
            between = _BETWEEN.match(waiting, place)
            place = between.end() if between else place
            try:
                value, place = decoder.raw_decode(waiting, place)
            except json.JSONDecodeError as error:
                waiting = waiting[place:]
                if len(waiting) > most_bytes:
                    raise BrokenFile(f"record {number + 1} is longer than {most_bytes} bytes") from error
                piece = text.read(_CHUNK)
                if not piece and waiting.lstrip("] \t\r\n"):
                    raise BrokenFile(f"record {number + 1} is not JSON: {error.msg}") from error
                if not piece:
                    return
                waiting, place = waiting + piece, 0
                continue
            number += 1
            if isinstance(value, dict):
                yield Record(number, value)
            else:
                yield Record(number, {}, BadField("", "must be a JSON object"))


def _table(path: Path, delimiter: str, most_bytes: int) -> Iterator[Record]:
    csv.field_size_limit(most_bytes)
    with path.open("rb") as file, io.TextIOWrapper(unzipped(file), encoding="utf-8-sig", newline="") as text:
        rows = csv.DictReader(text, delimiter=delimiter, strict=True)
        number = 0
        try:
            for number, row in enumerate(rows, start=1):
                if None in row or None in row.values():
                    columns = len(rows.fieldnames or ())
                    reason = f"has another number of columns than the first line, which has {columns}"
                    yield Record(number, {}, BadField("", reason))
                else:
                    yield Record(number, _without_nulls(row))
        except csv.Error as error:
            raise BrokenFile(f"row {number + 1} of the table cannot be read: {error}") from error
        except UnicodeDecodeError as error:
            raise BrokenFile("the table is not in UTF-8: save it as CSV UTF-8") from error


def _parquet_rows(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_ROWS):
                yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise BrokenFile(f"the Parquet file cannot be read ({error}): make or copy it again") from error


def _arrow_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Of a stream, as datasets keeps its own files, or of a file that can be read in any order."""
    import pyarrow
    from pyarrow import ipc

    try:
        with pyarrow.memory_map(str(path)) as source:
            if bytes(source.read(6)) == b"ARROW1":
                reader = ipc.open_file(source)
                batches: Iterator[Any] = (reader.get_batch(n) for n in range(reader.num_record_batches))
            else:
                source.seek(0)
                batches = iter(ipc.open_stream(source))
            for batch in batches:
                for start in range(0, batch.num_rows, _ROWS):
                    yield from batch.slice(start, _ROWS).to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise BrokenFile(f"the Arrow file cannot be read ({error}): make or copy it again") from error


def _folder(path: Path) -> Container:
    """A folder of datasets: save_to_disk's, of one split or several, or files as a hub has them."""
    files = [
        (file, split)
        for file in sorted(path.rglob("*"))
        if file.suffix in {".arrow", ".parquet"} and not file.name.startswith((".", "cache-"))
        for split in [_split_of(file.relative_to(path))]
    ]
    if not files:
        raise BrokenFile(
            "the folder has no Parquet and no Arrow file: name one file, or a folder of datasets"
        )

    def rows() -> Iterator[dict[str, Any]]:
        for file, split in files:
            read = _parquet_rows if file.suffix == ".parquet" else _arrow_rows
            for row in read(file):
                yield {**row, **({"split": split} if split and "split" not in row else {})}

    return Container(
        f"a folder of datasets, {len(files)} file{'s'[: len(files) != 1]}", lambda: _numbered(rows())
    )


def _split_of(place: Path) -> str:
    """By the folder's or the file's name, as train/data-00000-of-00001.arrow or data/test-00000.parquet."""
    words = [*place.parent.parts, place.name.partition("-")[0].partition(".")[0]]
    return next((_SPLITS[word] for word in words if word in _SPLITS), "")
