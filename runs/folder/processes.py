"""Several processes of one training on this machine: python -m runs.folder.processes COUNT MODULE ARGUMENT...

Each is ``python -m MODULE ARGUMENT...`` with its number in RANK and LOCAL_RANK, as torch's own launcher names them.
That one, and ``accelerate launch`` on it, starts each process in a session of its own and hands down no file
descriptor, so neither a stop nor the death of the worker would reach them (runs.folder.stopping). Here all are of one
process group. Where this was forked with torch loaded (runs.folder.forking), so are they: none loads it again.

The exit code is that of the first process, which writes the folder; LOST where a signal ended it.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from runs.folder.child import LOST
from runs.folder.folder import RunFolder
from runs.folder.forked import fork
from runs.folder.stopping import PIPE_VARIABLE

RENDEZVOUS_VARIABLE = "CONCORD_RENDEZVOUS"
# How long the others have to see that one is gone.
SECONDS_TO_NOTICE = 5.0


def command_of(module: str, subcommand: str, folder: RunFolder) -> list[str]:
    """The argv of a run's child, with as many processes as its config.json asks for."""
    count = int(folder.read_config().get("processes", 1))
    several = ["runs.folder.processes", str(count)] if count > 1 else []
    return [sys.executable, "-m", *several, module, subcommand, str(folder.path)]


class Rank(Protocol):
    """One of the processes, as with subprocess.Popen."""

    def poll(self) -> int | None:
        """Its exit code (below zero: by that signal), or None while it runs."""

    def wait(self) -> int:
        """The same, once it has ended."""

    def terminate(self) -> None:
        """Tell it to end."""

    def kill(self) -> None:
        """End it."""


def main(arguments: Sequence[str]) -> int:
    """Start the processes, and wait until the first has ended and no other is left."""
    count, command = int(arguments[0]), arguments[1:]
    with tempfile.TemporaryDirectory() as place:
        environment = {
            **os.environ,
            "WORLD_SIZE": str(count),
            RENDEZVOUS_VARIABLE: str(Path(place) / "store"),
        }
        if sys.platform == "linux":
            environment.setdefault("GLOO_SOCKET_IFNAME", "lo")  # they are all here
        processes = [
            _start(command, {**environment, "RANK": str(number), "LOCAL_RANK": str(number)})
            for number in range(count)
        ]
        # A stop is for whom writes the folder; of the whole group all have heard it already
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: processes[0].terminate())
        try:
            return _wait(processes)
        finally:
            for process in processes:
                process.kill()
                process.wait()


def _start(command: Sequence[str], environment: Mapping[str, str]) -> Rank:
    """``python -m`` of ``command``; it has the worker's pipe too."""
    if "torch" in sys.modules:
        from runs.folder.forking import go_on  # whose libraries a launcher by hand does not need

        return fork(lambda: go_on(command[0], command[1:], folder=str(Path.cwd()), environment=environment))
    pipe = environment.get(PIPE_VARIABLE)
    return subprocess.Popen(
        [sys.executable, "-m", *command], env=environment, pass_fds=[int(pipe)] if pipe else []
    )


def _wait(processes: Sequence[Rank]) -> int:
    """Until the first has ended. Another that ends badly leaves it a while to say so."""
    first, others = processes[0], processes[1:]
    alone_since: float | None = None
    while first.poll() is None:
        if alone_since is None and any(other.poll() for other in others):
            alone_since = time.monotonic()
        if alone_since is not None and time.monotonic() - alone_since > SECONDS_TO_NOTICE:
            first.kill()
        time.sleep(0.05)
    deadline = time.monotonic() + SECONDS_TO_NOTICE
    while time.monotonic() < deadline and any(other.poll() is None for other in others):
        time.sleep(0.05)
    code = first.wait()
    return LOST if code < 0 else code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
