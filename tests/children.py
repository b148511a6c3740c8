"""Children of runs as a worker starts them: forked where the tests have a process that forks (tests/home.py)."""

import contextlib
import os
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil

from runs.folder.starting import QUIET_THREADS, Process, start

CHECKOUT = Path(__file__).resolve().parents[1]


@contextlib.contextmanager
def started(
    command: Sequence[str], log: Path | None = None, variables: Mapping[str, str] | None = None
) -> Iterator[Process]:
    """The process, whose words go to ``log``; nothing of its group is left behind."""
    forks = os.environ.get("CONCORD_FORKS")
    with log.open("ab") if log else tempfile.TemporaryFile() as output:
        process = start(
            command,
            folder=CHECKOUT,
            environment={**QUIET_THREADS, **os.environ, "PYTHONUNBUFFERED": "1", **(variables or {})},
            output=output,
            forks=Path(forks) if forks else None,
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def code_of(command: Sequence[str], log: Path | None = None) -> int:
    """The exit code of ``command``, which ends within two minutes."""
    with started(command, log) as process:
        return process.wait(120)


def ranks_of(process: Process) -> dict[str, psutil.Process]:
    """The processes of one training that ``process`` has launched, by their number: they begin in this order."""
    children = sorted(
        psutil.Process(process.pid).children(), key=lambda child: (child.create_time(), child.pid)
    )
    return {str(number): child for number, child in enumerate(children)}
