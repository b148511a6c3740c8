"""A folder as one archive, made while it is sent: never whole in memory, nor on the disk a second time."""

import zipfile
from collections.abc import Iterator, Sequence
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
    an archive that breaks off is known for one. Files of more than 2 GiB are written in the 64-bit form.
    """
    passing = _Passing()
    with ZipFile(passing, "w", ZIP_STORED) as archive:
        for path, entry in _entries(folder):
            with path.open("rb") as source, archive.open(entry, "w") as target:
                while chunk := source.read(CHUNK_BYTES):
                    target.write(chunk)
                    yield passing.take()
    yield passing.take()


def zipped_bytes(folder: Path) -> int:
    """How many bytes ``zipped`` gives, as long as nobody writes to the folder."""
    return archive_bytes([(entry.filename, entry.file_size) for _, entry in _entries(folder)])


def archive_bytes(files: Sequence[tuple[str, int]]) -> int:
    """The size of an archive of files by name and size, stored as they are and written without going back.

    That is, by APPNOTE.TXT 6.3.10 of PKWARE and as ``zipfile`` writes it: of each file a header (4.3.7), its bytes and
    a descriptor (4.3.9), then a line of the table (4.3.12); the table's end (4.3.16). What is beyond ZIP64_LIMIT has
    8 bytes in an extra field (4.5.3), and the end two records more (4.3.14, 4.3.15). ``zipfile`` decides on the header
    before it knows the size, and leaves a twentieth for what compressing could add.
    """
    limit = zipfile.ZIP64_LIMIT
    offset = table = 0
    for name, size in files:
        named = len(name.encode())
        extra = [size, size] if size > limit else []
        extra += [offset] if offset > limit else []
        table += 46 + named + (4 + 8 * len(extra) if extra else 0)
        offset += 30 + named + size + (20 + 24 if size * 1.05 > limit else 16)
    wide = len(files) > zipfile.ZIP_FILECOUNT_LIMIT or max(offset, table) > limit
    return offset + table + (56 + 20 if wide else 0) + 22


def _entries(folder: Path) -> Iterator[tuple[Path, ZipInfo]]:
    """The files of a folder, each with its place in the archive."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            name = Path(folder.name) / path.relative_to(folder)
            yield path, ZipInfo.from_file(path, name, strict_timestamps=False)
