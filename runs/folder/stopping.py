"""How a child learns that it must stop: SIGTERM, or the death of its worker.

The worker holds the write end of a pipe whose read end the child inherits; its number is in
``CONCORD_WORKER_PIPE``. However the worker dies, the kernel closes the pipe, and the child's
watcher sees the end of file: it asks for a stop, and eight seconds later ends the process group.

Until a child looks for a stop the first time it is loading, for minutes where its base is large, and has nothing yet
that a stop could lose: it leaves at once. From then on it leaves where it looks, and keeps what it has; at
once again where something long loses nothing by being broken off (``at_once``).
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from runs.folder.errors import Stopped

PIPE_VARIABLE = "CONCORD_WORKER_PIPE"
# A run's processes must be gone ten seconds after their worker: two are kept for the kernel.
SECONDS_TO_LEAVE = 8.0


class StopSignal:
    """True once a stop is asked for. ``check()`` is what long loops call between steps; either ends the loading."""

    def __init__(self) -> None:
        # No threading.Event: it has a lock, and a second signal that came while a first one held it would wait for
        # itself. Of several processes the first is told twice: by the group's signal, and by whoever started it.
        self._stop_asked = False
        self._may_leave_at_once = self._leaves_at_once = False
        self._depth = 0  # of what is to be left at once, one within the other

    def __bool__(self) -> bool:
        self.loaded()
        return self._stop_asked

    def loaded(self) -> None:
        """What comes from here on is worth being kept: a stop waits until it is looked for."""
        self._leaves_at_once = self._may_leave_at_once and self._depth > 0

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """For what loses nothing where it is broken off: a base that is loaded later on, a report that is worked out.

        A stop that comes meanwhile, or has come, is heard at once. No file may be written within it but by
        ``write_atomically``.
        """
        self.check()
        self._depth += 1
        self.loaded()
        try:
            yield
        finally:
            self._depth -= 1
            self.loaded()

    def ask(self) -> None:
        """Ask for a stop, from any thread or a signal handler."""
        self._stop_asked = True

    def check(self) -> None:
        """Raise Stopped once a stop is asked for."""
        if self:
            raise Stopped("stopped; the run goes on from its newest checkpoint")

    def listen(self, *, leaves_at_once: bool = False) -> None:
        """Take SIGTERM and SIGINT, and watch the worker's pipe where there is one.

        With ``leaves_at_once`` a stop raises Stopped in the main thread, wherever that is, until ``loaded``.
        """
        self._may_leave_at_once = self._leaves_at_once = leaves_at_once
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        descriptor = os.environ.get(PIPE_VARIABLE)
        if descriptor:
            threading.Thread(target=self._watch, args=(int(descriptor),), daemon=True).start()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.ask()
        if self._leaves_at_once:
            self._leaves_at_once = False  # a second signal does not break off what the first one set going
            raise Stopped("stopped while it was loading")

    def _watch(self, descriptor: int) -> None:
        while os.read(descriptor, 1):  # the worker never writes: this returns at its death
            pass
        os.kill(os.getpid(), signal.SIGTERM)  # as whoever stops it would: the main thread hears it
        time.sleep(SECONDS_TO_LEAVE)
        os.killpg(os.getpgrp(), signal.SIGKILL)
