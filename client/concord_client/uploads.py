"""What an import is sent as: a file, from its start at every attempt."""

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple


class Upload(NamedTuple):
    """An open file, under the name by which the server tells its format."""

    name: str
    file: IO[bytes]

    def from_the_start(self) -> tuple[str, IO[bytes]]:
        """As httpx wants it, which asks the system how long the file is: so nothing of it waits to be written."""
        self.file.seek(0)
        return self.name, self.file


@contextmanager
def of_file(path: str | Path) -> Iterator[Upload]:
    """A file as it lies there."""
    with Path(path).open("rb") as file:
        yield Upload(Path(path).name, file)


@contextmanager
def of_rows(rows: Iterable[Mapping[str, object]]) -> Iterator[Upload]:
    """Rows as a file of JSON lines."""
    with tempfile.TemporaryFile() as file:
        file.writelines(json.dumps(row).encode() + b"\n" for row in rows)
        yield Upload("rows.jsonl", file)
