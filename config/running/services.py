"""What Concord consists of, and how one process of it begins.

    web      gunicorn                      worker-gpu       runs that train and sample, one at a time
    beat     sends the sweeps on time      worker-cpu       imports, exports, and whatever reads files for long
    scorer   keeps reward models loaded    worker-quick     sweeps, so that nothing long delays them
    forks    has loaded torch for runs     worker-webhooks  messages to other servers, however slow those are

On Linux the supervisor forks them, and what all of them load is loaded and in memory once. What is not its own (a
terminal, files, signals) a fork leaves behind. ``forks`` starts from nothing: children of runs have no Django.
"""

import ctypes
import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import IO, NoReturn

from django.conf import settings
from setproctitle import getproctitle

from runs.folder.forked import ForkedChild, fork
from runs.folder.forking import go_on
from runs.folder.loading import loading
from runs.folder.starting import QUIET_THREADS

# What the children of runs are (their __main__ runs in the fork), and the network that a fit makes from scratch.
LOADED_BEFORE_FORKING = (
    "rewardmodel.bradley_terry.commands",
    "rltrainer.policy.evaluate",
    "rltrainer.policy.sample",
    "rltrainer.policy.sft",
    "rltrainer.ppo.train",
    "transformers.models.llama.modeling_llama",
)
# Web processes, whatever the machine has: one that is busy or begins anew leaves another, and each thread's connection
# is one of the hundred that Postgres has for all.
LEAST_WEB, MOST_WEB, WEB_THREADS = 2, 8, 4
# What the services that are forked load, each all or most of it, and the pages of the web beside it.
LOADED_BEFORE_SERVICES = (
    "celery.bin.celery",
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.concurrency.solo",
    "config.broker",
    "gunicorn.app.wsgiapp",
    "gunicorn.workers.gthread",
    "runs.management.commands.scorer",
)
# Linux, prctl(2): the kernel sends this signal to a process whose parent ended.
PR_SET_PDEATHSIG = 1


@dataclass
class Service:
    """One process to be kept alive, and how it is doing."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    # Of this process, which has loaded Django: the command is ``python -m``.
    forked: bool = False
    process: "subprocess.Popen[bytes] | ForkedChild | None" = None
    started: float = 0.0
    wait: float = 0.0
    ends: int = field(default=0)

    def start(self, logs: Path) -> None:
        """Start it in a session of its own, so that Ctrl+C reaches the supervisor alone."""
        with _log(logs, self.name) as log:
            self.process = self._fork(log) if self.forked else self._begin(log)
        self.started = time.monotonic()

    def due(self) -> bool:
        """Whether the wait before its next start is over."""
        return time.monotonic() - self.started >= self.wait

    def _begin(self, log: IO[bytes]) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            self.command,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_ending_with(os.getpid()),
        )

    def _fork(self, log: IO[bytes]) -> ForkedChild:
        _load()
        end_with_supervisor = _ending_with(os.getpid())
        sys.stdout.flush()
        sys.stderr.flush()

        def become() -> NoReturn:
            os.setsid()
            if end_with_supervisor is not None:
                end_with_supervisor()
            _take_log(log)
            environment = {**os.environ, **self.environment}
            go_on(self.command[2], self.command[3:], folder=str(Path.cwd()), environment=environment)

        return fork(become)


@functools.cache
def _load() -> None:
    """What forked services share, before the first of them."""
    from config.celery import app

    with loading():
        app.loader.import_default_modules()  # every task
        for module in LOADED_BEFORE_SERVICES:
            import_module(module)
    getproctitle()  # now, where its room in memory can still be found: a child's environment lies elsewhere


def _take_log(log: IO[bytes]) -> None:
    """In a fork: nothing to read, ``log`` to write to, and no other file of the supervisor's.

    Among those are the locks by which it has the home and the database for itself: held on here, they would keep the
    next Concord out once the supervisor was killed. Their owners are never heard of again in this process.
    """
    with Path(os.devnull).open("rb") as nothing:
        for number, file in enumerate((nothing, log, log)):
            os.dup2(file.fileno(), number)
    os.closerange(3, max(int(one.name) for one in Path("/proc/self/fd").iterdir()) + 1)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(write_through=True)  # type: ignore[union-attr]


def _web_processes() -> int:
    """One a core that Concord may use, within bounds."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return min(max(LEAST_WEB, len(allowed)), MOST_WEB)


def services(*, address: str, home: Path) -> list[Service]:
    """What Concord consists of. ``address`` is host:port of the web server."""

    def kept(name: str, *module_and_arguments: str) -> Service:
        return Service(name, [sys.executable, "-m", *module_and_arguments], forked=sys.platform == "linux")

    # Workers load what their tasks need, and not every page for Django's checks: as commands (runs/commands.py).
    celery = ["celery", "-A", "config.celery", "--skip-checks"]
    quiet = [
        "--pool",
        "solo",
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
        "--loglevel",
        "INFO",
    ]

    def worker(queue: str) -> Service:
        return kept(f"worker-{queue}", *celery, "worker", "-Q", queue, "-n", f"{queue}@%h", *quiet)

    web = [
        "--bind",
        address,
        "--workers",
        str(_web_processes()),
        "--threads",
        str(WEB_THREADS),
        # Loaded once and forked: a web process that was killed is there again before anybody waits for it.
        "--preload",
        "--no-control-socket",
        "--access-logfile",
        "-",
    ]
    schedule = ["--schedule", str(home / "beat-schedule"), "--loglevel", "WARNING"]
    forking = [sys.executable, "-m", "runs.folder.forking", str(settings.FORKS), *LOADED_BEFORE_FORKING]
    return [
        kept("web", "gunicorn", "config.wsgi", *web),
        worker("gpu"),
        worker("cpu"),
        worker("quick"),
        worker("webhooks"),
        kept("beat", *celery, "beat", *schedule),
        kept("scorer", "django", "scorer"),
        *([Service("forks", forking, QUIET_THREADS)] if settings.FORKS else []),
    ]


def _log(logs: Path, name: str) -> IO[bytes]:
    """The log of a service, begun anew when it has grown past 10 MB."""
    path = logs / f"{name}.log"
    if path.exists() and path.stat().st_size > 10_000_000:
        path.replace(logs / f"{name}.old.log")
    return path.open("ab")


def _ending_with(parent: int) -> Callable[[], None] | None:
    """What a child does first: ask to be ended when the supervisor is killed outright. Linux alone offers it."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)

    def ask() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)

    return ask
