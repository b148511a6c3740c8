"""progress.json: how far a run is and what it does now and when that is done."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from runs.folder.files import read_json, write_json


class Reading(NamedTuple):
    """What progress.json said last. ``done`` and ``total`` count what ``doing`` names.

    ``expected_end`` is when it is done at the rate so far, in seconds since 1970, None while that is unknown.
    """

    done: int
    total: int
    doing: str
    expected_end: float | None = None


class Progress:
    """Writes progress.json at most every ``every`` seconds, and whenever ``doing`` changes.

    The rate is that of this process since it began to get on: what a checkpoint had done before took no time of it,
    nor does it begin anew with an epoch; it does with another ``total``.
    """

    def __init__(self, path: Path, every: float = 0.5, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._every = every
        self._clock = clock
        self._written_at: float | None = None
        self._doing = ""
        self._first = _Point(clock(), 0, 0)

    def report(self, done: int, total: int, doing: str) -> None:
        """Say that ``done`` of ``total`` are finished and what is being done."""
        now = self._clock()
        if total != self._first.total or done <= self._first.done:
            self._first = _Point(now, done, total)
        recent = self._written_at is not None and now - self._written_at < self._every
        if recent and doing == self._doing and done < total:
            return
        left = self._first.seconds_left(now, done)
        reading = Reading(done, total, doing, None if left is None else time.time() + left)
        write_json(self._path, reading._asdict())
        self._written_at, self._doing = now, doing


class _Point(NamedTuple):
    """Where the rate is measured from."""

    at: float
    done: int
    total: int

    def seconds_left(self, now: float, done: int) -> float | None:
        if done == self.done:
            return None
        return (now - self.at) * (self.total - done) / (done - self.done)


def read_progress(path: Path) -> Reading | None:
    """The last reading, or None before the first."""
    return Reading(**read_json(path)) if path.exists() else None
