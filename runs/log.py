"""A run's log from a place on, a piece at a time, for as long as the run's folder is kept: of any length in the memory
of one piece. The end of it stays in the run's row."""

import codecs
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from runs.execution import folder_of
from runs.models import Run

PIECE_BYTES = 256 * 1024


class Piece(NamedTuple):
    """Whole characters of a log. ``next`` is the byte at which the next piece begins.

    ``over``: the run has ended, and this is the last of its log. ``kept`` is False where an ended run has none (any
    more).
    """

    text: str
    next: int
    over: bool
    kept: bool


def piece(*, run: Run, offset: int = 0) -> Piece:
    """What the log holds from byte ``offset`` on, PIECE_BYTES of it at most.

    A character of which only the beginning is written yet waits for the next piece; bytes that are no UTF-8 become
    replacement characters.
    """
    # As the row was read before the file: what an ended run wrote is all there.
    ended, path = not run.is_active, folder_of(run).log_file
    if not _is_there(path):
        return Piece("", offset, over=ended, kept=not ended)
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        if offset >= size:
            return Piece("", offset, over=ended, kept=True)
        file.seek(offset)
        data = file.read(min(PIECE_BYTES, size - offset))
    last = ended and offset + len(data) >= size
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    text = decoder.decode(data, final=last)
    waiting, _ = decoder.getstate()
    return Piece(text, offset + len(data) - len(waiting), over=last, kept=True)


def pieces(run: Run) -> Iterator[str]:
    """All that is there now; what a run at work writes meanwhile need not be among it."""
    end, offset = folder_of(run).log_file.stat().st_size, 0
    while offset < end:
        text, offset, _, _ = piece(run=run, offset=offset)
        if not text:
            return
        yield text


def has_log(run: Run) -> bool:
    """Whether the log is there."""
    return _is_there(folder_of(run).log_file)


def _is_there(path: Path) -> bool:
    """A link would lead out of the run's own folder."""
    return path.is_file() and not path.is_symlink()
