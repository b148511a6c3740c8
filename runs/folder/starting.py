"""Starts a process from nothing, or asks one that has loaded everything to fork it (runs.folder.forking)."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Protocol

# OpenMP's threads wait for each other asleep: where they spin and another process wants the same core, training has
# been seen to run 4 to 28 times slower.
QUIET_THREADS = {"OMP_WAIT_POLICY": "passive"}
# A fork answers within milliseconds; one that is loading does not listen yet and refuses at once.
SECONDS_TO_FORK = 10.0
MOST_BYTES = 4096


class Process(Protocol):
    """What one can do with a child, however it began: as with subprocess.Popen."""

    @property
    def pid(self) -> int:
        """Its number, which is its group's too."""

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code (below zero: by that signal). Raises TimeoutExpired where it still runs."""


def start(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    output: IO[bytes],
    keep: Sequence[int] = (),
    forks: Path | None = None,
) -> Process:
    """Start ``command`` in a group of its own, with nothing to read and ``output`` to write to.

    ``keep`` are descriptors that it has under the same numbers. Where ``forks`` is the socket of a process that
    forks, ``python -m ...`` is forked from it if that is possible; every other command starts from nothing.
    """
    if forks is not None and list(command[:2]) == [sys.executable, "-m"]:
        with Path(os.devnull).open("rb") as nothing:
            numbers = {
                0: nothing.fileno(),
                1: output.fileno(),
                2: output.fileno(),
                **{kept: kept for kept in keep},
            }
            forked = _fork(forks, command[2:], folder, environment, numbers)
        if forked is not None:
            return forked
    return subprocess.Popen(
        list(command),
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        pass_fds=keep,
        start_new_session=True,
    )


class Forked:
    """A child of the process that forks, which tells who asked how it ended."""

    def __init__(self, pid: int, connection: socket.socket) -> None:
        self.pid = pid
        self._connection = connection
        self._code: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code. One whose parent is gone is killed: nobody could tell how it ends."""
        if self._code is None:
            self._connection.settimeout(None if timeout is None else max(timeout, 0.001))
            try:
                message = self._connection.recv(MOST_BYTES)
            except TimeoutError as late:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0) from late
            except OSError:  # its parent was killed
                message = b""
            if not message:
                with suppress(ProcessLookupError):
                    os.killpg(self.pid, signal.SIGKILL)
            self._code = int(json.loads(message)["code"]) if message else -signal.SIGKILL
            self._connection.close()
        return self._code


def _fork(
    forks: Path,
    words: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    numbers: Mapping[int, int],
) -> Forked | None:
    """The forked child, or None where nobody listens or the request is refused."""
    request: dict[str, Any] = {
        "module": words[0],
        "arguments": list(words[1:]),
        "folder": str(folder),
        "environment": dict(environment),
        "numbers": list(numbers),
    }
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.settimeout(SECONDS_TO_FORK)
    try:
        connection.connect(os.fspath(forks))
        socket.send_fds(connection, [json.dumps(request).encode()], list(numbers.values()))
        answer = connection.recv(MOST_BYTES)
    except OSError:
        answer = b""
    if not answer:
        connection.close()
        return None
    return Forked(int(json.loads(answer)["pid"]), connection)
