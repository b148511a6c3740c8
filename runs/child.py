"""One child process: started in its own group, tied to this worker or command by a pipe, ended for certain."""

import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from django.conf import settings

from runs.folder.files import read_json
from runs.folder.folder import RunFolder
from runs.folder.progress import Reading, read_progress
from runs.folder.starting import QUIET_THREADS, start
from runs.folder.stopping import PIPE_VARIABLE

LOG_TAIL_BYTES = 64 * 1024
# Between two looks at how far a child is that is no run's.
LOOK_SECONDS = 0.5


class Child:
    """The process, its group and its end of the pipe. Leaving the ``with`` leaves no process behind."""

    def __init__(self, command: Sequence[str], folder: RunFolder) -> None:
        self._read, self._write = os.pipe()
        with folder.log_file.open("ab") as log:
            self._process = start(
                command,
                folder=settings.BASE_DIR,
                environment={
                    **QUIET_THREADS,
                    **os.environ,
                    PIPE_VARIABLE: str(self._read),
                    "PYTHONUNBUFFERED": "1",
                },
                output=log,
                keep=(self._read,),
                forks=settings.FORKS,
            )
        os.close(self._read)  # now only the child's side holds it

    def __enter__(self) -> "Child":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        os.close(self._write)

    @property
    def pid(self) -> int:
        """The process id, which is also its group's."""
        return self._process.pid

    def wait(self, seconds: float) -> int | None:
        """The exit code, or None where it still runs after ``seconds``."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def ask_to_stop(self) -> None:
        """SIGTERM: write a checkpoint and leave."""
        self._signal(signal.SIGTERM)

    def end(self) -> None:
        """SIGKILL to whatever is left of the group, the launcher's ranks included."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):  # the whole group may be gone already
            os.killpg(self._process.pid, number)


def run_to_end(
    command: Sequence[str], folder: RunFolder, report: Callable[[Reading], None] = lambda reading: None
) -> str:
    """Wait for a child that is no run's, however long it takes; the reason where it failed, else nothing.

    ``report`` is told how far it is twice a second.
    """
    code = None
    with Child(command, folder) as child:
        while code is None:
            code = child.wait(LOOK_SECONDS)
            if (reading := read_progress(folder.progress_file)) is not None:
                report(reading)
    if not code:
        return ""
    if folder.failure_file.exists():
        return str(read_json(folder.failure_file)["reason"])
    return log_tail(folder.log_file)[-2000:] or f"the child ended with exit code {code}"


def log_tail(path: Path) -> str:
    """The last 64 KiB of a log, without NUL bytes, which Postgres cannot hold."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - LOG_TAIL_BYTES))
        return file.read().decode(errors="replace").replace("\0", "")
