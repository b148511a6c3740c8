"""A folder as one archive, made while it is sent: never whole in memory, nor on the disk a second time."""

from collections.abc import Iterator
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

CHUNK_BYTES = 1 << 20


class _Passing:
    """What a ZipFile writes to that cannot seek: it keeps only what nobody has taken yet."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._waiting.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is held."""

    def take(self) -> bytes:
        taken = b"".join(self._waiting)
        self._waiting.clear()
        return taken


def zipped(folder: Path) -> Iterator[bytes]:
    """A zip archive of ``folder`` under its own name, in pieces of about a megabyte; links are left out.

    Nothing is compressed: weights hardly can be, and Parquet is already. The table of its files stands at the end, so
    an archive that breaks off is known for one. Files of more than 4 GiB are written in the 64-bit form.
    """
    passing = _Passing()
    with ZipFile(passing, "w", ZIP_STORED) as archive:
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or path.is_symlink():
                continue
            name = Path(folder.name) / path.relative_to(folder)
            entry = ZipInfo.from_file(path, name, strict_timestamps=False)
            with path.open("rb") as source, archive.open(entry, "w") as target:
                while chunk := source.read(CHUNK_BYTES):
                    target.write(chunk)
                    yield passing.take()
    yield passing.take()
