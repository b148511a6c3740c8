"""Processes in a group of their own, as a worker starts a run's child."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil


@contextlib.contextmanager
def started(command: Sequence[str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """The process, whose words go to ``log``; nothing of its group is left behind."""
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, start_new_session=True)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def ranks_of(process: "subprocess.Popen[bytes]") -> dict[str, psutil.Process]:
    """The processes of one training that ``process`` has launched, by their number."""
    return {child.environ()["RANK"]: child for child in psutil.Process(process.pid).children()}
