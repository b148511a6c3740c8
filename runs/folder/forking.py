"""A process that has loaded torch and its libraries, and becomes children by forking instead of starting each anew.

    python -m runs.folder.forking SOCKET MODULE...

A child that is started loads torch and transformers for seconds before its first line; a forked one has them. This
loads the MODULEs, listens at SOCKET, and for each request becomes ``python -m`` of what is asked for, with the
arguments, environment, folder and open files of the request (runs.folder.starting asks). It runs on Linux.

It starts no thread and touches no GPU, which a fork would break. What libraries read from the environment while they
load cannot be changed afterwards: a request with other values is refused. SIGTERM means: take no more requests, and
leave when the last child has ended.
"""

import fcntl
import importlib
import json
import os
import runpy
import selectors
import shlex
import signal
import socket
import sys
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NamedTuple, NoReturn

from setproctitle import getproctitle, setproctitle

from runs.folder.forked import ENDINGS, ForkedChild, fork
from runs.folder.loading import loading

# What interpreter, OpenMP, BLAS, torch and the hub's libraries read when they are loaded.
READ_AT_LOAD = (
    "CUDA_",
    "GOMP_",
    "HF_",
    "KMP_",
    "LD_",
    "MKL_",
    "OMP_",
    "OPENBLAS_",
    "PYTHON",
    "TORCH",
    "TRANSFORMERS_",
)
# A child's output is unbuffered here, whether it asks for it or not; and torch adds this one to the environment itself.
FREE = ("PYTHONUNBUFFERED", "TORCHINDUCTOR_CACHE_DIR")
MOST_BYTES = 1 << 20
MOST_FILES = 16
TICK_SECONDS = 0.5


class Request(NamedTuple):
    """What to become. ``files`` are open descriptors here, ``numbers`` what the child calls them."""

    module: str
    arguments: Sequence[str]
    folder: str
    environment: Mapping[str, str]
    numbers: Sequence[int]
    files: Sequence[int]


def read_at_load(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that a process cannot take over once it has loaded its libraries."""
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(READ_AT_LOAD) and name not in FREE
    }


class Forks:
    """Listens at ``path`` and forks. ``loaded_with`` is what libraries have read from the environment.

    Raises OSError where nobody can listen there.
    """

    def __init__(self, path: Path, loaded_with: Mapping[str, str]) -> None:
        self._path = path
        self._loaded_with = loaded_with
        self._ending = False
        # By a descriptor of each child's process: the child, and who asked for it.
        self._children: dict[int, tuple[ForkedChild, socket.socket]] = {}
        self._listener = _listen(path)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, self._greet)

    def serve(self) -> None:
        """Until it was told to leave and no child is left."""
        for number in ENDINGS:
            signal.signal(number, self._end)
        while self._children or not self._ending:
            for key, _ in self._selector.select(TICK_SECONDS):
                key.data(key.fileobj)
            if self._ending:
                self._path.unlink(missing_ok=True)

    def _end(self, number: int, frame: FrameType | None) -> None:
        self._ending = True

    def _greet(self, listener: socket.socket) -> None:
        asking, _ = listener.accept()
        self._selector.register(asking, selectors.EVENT_READ, self._hear)

    def _hear(self, asking: socket.socket) -> None:
        """Take one request and fork."""
        self._selector.unregister(asking)
        request = _receive(asking, self._loaded_with)
        if request is None:
            asking.close()
            return
        child = fork(lambda: self._become(request, asking))
        with suppress(
            ProcessLookupError
        ):  # there as well as here: whoever is first, both go on in its own group
            os.setpgid(child.pid, child.pid)
        for file in request.files:
            os.close(file)
        _tell(asking, pid=child.pid)
        process = os.pidfd_open(child.pid)
        self._children[process] = child, asking
        self._selector.register(process, selectors.EVENT_READ, self._bury)

    def _become(self, request: Request, asking: socket.socket) -> NoReturn:
        """In a child."""
        os.setpgid(0, 0)
        asking.close()
        self._let_go()
        become(request)

    def _bury(self, process: int) -> None:
        self._selector.unregister(process)
        child, asking = self._children.pop(process)
        os.close(process)
        _tell(asking, code=child.wait())
        asking.close()

    def _let_go(self) -> None:
        """In a child: close what is the parent's through its owner, so that none closes a number used again later."""
        for key in list(self._selector.get_map().values()):
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
        for process, (_, asking) in self._children.items():
            os.close(process)
            asking.close()
        self._selector.close()


def _listen(path: Path) -> socket.socket:
    """A socket that only this user can open. One that a killed process left behind is replaced.

    It has its name once it listens: whoever finds it before would be refused, and start from nothing.
    """
    unheard = path.with_name(f"{path.name}~")
    unheard.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    before = os.umask(0o077)
    try:
        listener.bind(os.fspath(unheard))
    finally:
        os.umask(before)
    listener.listen()
    unheard.replace(path)
    return listener


def _receive(asking: socket.socket, loaded_with: Mapping[str, str]) -> Request | None:
    """The request, or None where whoever asked is gone or asks for what a fork cannot be."""
    try:
        message, files, _, _ = socket.recv_fds(asking, MOST_BYTES, MOST_FILES)
    except OSError:
        return None
    request = json.loads(message) if message and _is_there(asking) else None
    if request is None or read_at_load(request["environment"]) != loaded_with:
        for file in files:
            os.close(file)
        return None
    return Request(**request, files=files)


def _is_there(asking: socket.socket) -> bool:
    """Whether who asked still waits: one that has given up has started its child from nothing."""
    try:
        return bool(asking.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except BlockingIOError:
        return True


def _tell(asking: socket.socket, **words: int) -> None:
    with suppress(OSError):  # who asked may be gone; the child ends with its worker (runs.folder.stopping)
        asking.send(json.dumps(words).encode())


def become(request: Request) -> NoReturn:
    """Go on as the request asks, in a child."""
    _take_files(request)
    go_on(request.module, request.arguments, folder=request.folder, environment=request.environment)


def go_on(module: str, arguments: Sequence[str], *, folder: str, environment: Mapping[str, str]) -> NoReturn:
    """As ``python -m MODULE ARGUMENT...`` in ``folder``, in a fork. SystemExit is how that ends."""
    for number in ENDINGS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    if _gpu_is_lost():
        os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606 (itself)
    setproctitle(shlex.join(["python", "-m", module, *arguments]))  # what ps shows
    sys.path[0] = folder
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    sys.exit(0)


def _take_files(request: Request) -> None:
    """Give each file its number. All move out of the way first: one's number may be another's present one."""
    least = max(request.numbers) + 1
    moved = [fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, least) for file in request.files]
    for file in request.files:
        os.close(file)
    for file, number in zip(moved, request.numbers, strict=True):
        os.dup2(file, number)
        os.close(file)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(write_through=True)  # type: ignore[union-attr]


def _gpu_is_lost() -> bool:
    """Whether a library asked for the GPU while it was loaded: CUDA then refuses to work in a fork."""
    torch = sys.modules.get("torch")
    return torch is not None and bool(torch.cuda._is_in_bad_fork())


def main(arguments: Sequence[str]) -> int:
    """Load, listen, fork; the exit code."""
    path, modules = Path(arguments[0]), arguments[1:]
    loaded_with = read_at_load(os.environ)  # now: some libraries add variables of their own
    # And nothing of it is looked at in a child either: the collector would write to, and so copy, every page of memory
    # that parent and child share.
    with loading():
        for module in modules:
            importlib.import_module(module)
    # BLAS keeps a thread, which it ends itself before a fork and starts again in parent and child.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    getproctitle()  # now, where its room in memory can still be found: a child's environment lies elsewhere
    Forks(path, loaded_with).serve()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
