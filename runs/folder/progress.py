"""progress.json: how far a run is and what it does now."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from runs.folder.files import read_json, write_json


class Reading(NamedTuple):
    """What progress.json said last. ``done`` and ``total`` count what ``doing`` names."""

    done: int
    total: int
    doing: str


class Progress:
    """Writes progress.json at most every ``every`` seconds, and whenever ``doing`` changes."""

    def __init__(self, path: Path, every: float = 0.5, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._every = every
        self._clock = clock
        self._written_at: float | None = None
        self._doing = ""

    def report(self, done: int, total: int, doing: str) -> None:
        """Say that ``done`` of ``total`` are finished and what is being done."""
        now = self._clock()
        recent = self._written_at is not None and now - self._written_at < self._every
        if recent and doing == self._doing and done < total:
            return
        write_json(self._path, {"done": done, "total": total, "doing": doing})
        self._written_at, self._doing = now, doing


def read_progress(path: Path) -> Reading | None:
    """The last reading, or None before the first."""
    if not path.exists():
        return None
    value = read_json(path)
    return Reading(int(value["done"]), int(value["total"]), str(value["doing"]))
