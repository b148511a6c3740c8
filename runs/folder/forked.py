"""A fork of this process that becomes another, for whoever is its parent: subprocess.Popen's sibling.

What parent and child share is what the parent has loaded, which the child neither loads nor has in memory once more.
The parent starts no thread and touches no GPU before, which a fork would break.
"""

import os
import signal
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from runs.folder.child import FAILED, exit_code, leave

# What ends a process; runs.folder.forking.go_on gives a child its own way with them.
ENDINGS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class ForkedChild:
    """A child of this process, with what supervisors ask of one: as with subprocess.Popen."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None

    def poll(self) -> int | None:
        """Its exit code (below zero: by that signal), or None while it runs."""
        return self._look(os.WNOHANG)

    def wait(self) -> int:
        """The same, once it has ended."""
        code = self._look(0)
        assert code is not None
        return code

    def terminate(self) -> None:
        """Tell it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def send_signal(self, number: int) -> None:
        """Where it has ended already, nothing happens."""
        # Not looked at first: this is called where a signal has interrupted a look.
        if self._code is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _look(self, options: int) -> int | None:
        if self._code is None:
            pid, status = os.waitpid(self.pid, options)
            self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code


def fork(become: Callable[[], NoReturn]) -> ForkedChild:
    """A child that calls ``become``, and does nothing of what its parent still has to do, however that ends.

    A signal to end that comes before ``become`` listens is kept for it: it is not for the parent's handler.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
    child = os.fork()
    if child:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return ForkedChild(child)
    try:
        become()
    except SystemExit as ended:
        leave(exit_code(ended))
    except BaseException:
        traceback.print_exc()
        leave(FAILED)
