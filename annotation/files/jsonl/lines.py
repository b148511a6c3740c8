"""A stream of bytes as lines, none of which is held in memory beyond the limit."""

import gzip
import io
import zlib
from collections.abc import Iterator
from typing import IO, NamedTuple

from annotation.files.jsonl.errors import BadField, BrokenFile
from annotation.files.jsonl.formats import HEAD_BYTES, refuse_others

_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DRAIN_BYTES = 65_536


class RawLine(NamedTuple):
    """``number`` counts from 1. ``data`` is None where the line is longer than the limit.

    ``error`` is known where a line was made of something else, which could not become one.
    """

    number: int
    data: bytes | None
    error: BadField | None = None


def unzipped(stream: IO[bytes]) -> io.BufferedReader:
    """The stream itself, or what its gzip content holds. Told by the first two bytes, so stdin may be either."""
    buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(_Raw(stream))
    if buffered.peek(2)[:2] == _GZIP_MAGIC:
        return io.BufferedReader(gzip.GzipFile(fileobj=buffered))
    return buffered


def read_lines(stream: IO[bytes], most_bytes: int) -> Iterator[RawLine]:
    """Every line that is not blank, without its line feed, of a stream that may be packed by gzip.

    Raises BrokenFile for a damaged gzip stream, and for a file of another format.
    """
    number = 0
    try:
        unpacked = unzipped(stream)
        refuse_others(unpacked.peek(HEAD_BYTES)[:HEAD_BYTES])
        for number, data in enumerate(iter(lambda: unpacked.readline(most_bytes + 1), b""), start=1):
            if len(data) > most_bytes and not data.endswith(b"\n"):
                _drain(unpacked)
                yield RawLine(number, None)
                continue
            content = (data.removeprefix(_BYTE_ORDER_MARK) if number == 1 else data).strip()
            if content:
                yield RawLine(number, content)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BrokenFile(
            f"the gzip file is damaged after line {number} ({error}): make or copy it again"
        ) from error


def _drain(stream: IO[bytes]) -> None:
    """Read to the end of an endless line, a piece at a time."""
    while (piece := stream.readline(_DRAIN_BYTES)) and not piece.endswith(b"\n"):
        pass


class _Raw(io.RawIOBase):
    """Any readable binary object (an upload, a storage's file) as a raw stream, so that it can be peeked at."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
