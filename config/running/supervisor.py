"""One process that keeps Concord's others alive: web, workers, beat, scorer, and the embedded Postgres.

    web      gunicorn                      worker-gpu       runs that train and sample, one at a time
    beat     sends the sweeps on time      worker-cpu       imports, exports, and whatever reads files for long
    scorer   keeps reward models loaded    worker-quick     sweeps, so that nothing long delays them
    forks    has loaded torch for runs     worker-webhooks  messages to other servers, however slow those are

A service that ends is started again, after a wait that doubles while it keeps ending. Each writes its own log under
HOME/logs. SIGINT (Ctrl+C) or SIGTERM ends them all: SIGTERM first, SIGKILL after a while or at the second signal.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

from django.conf import settings

from config.running.postgres import Server
from runs.folder.starting import QUIET_THREADS

CHECKOUT = Path(__file__).resolve().parents[2]
TICK_SECONDS = 0.2
# A run that is told to leave has RUN_STOP_SECONDS for its checkpoint; then its worker ends it, gives it back and
# leaves. A worker that is ended before that counts as lost, so it has ten seconds more.
END_SECONDS = settings.RUN_STOP_SECONDS + 10.0
LONGEST_WAIT_SECONDS = 30.0
# A service that ran for so long counts as well again.
WELL_SECONDS = 60.0
# Between two looks at whether the database still answers.
LOOK_SECONDS = 2.0
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
# Linux, prctl(2): the kernel sends this signal to a process whose parent ended.
PR_SET_PDEATHSIG = 1


@dataclass
class Service:
    """One process to be kept alive, and how it is doing."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    wait: float = 0.0
    ends: int = field(default=0)

    def start(self, logs: Path) -> None:
        """Start it in a session of its own, so that Ctrl+C reaches the supervisor alone."""
        with _log(logs, self.name) as log:
            self.process = subprocess.Popen(
                self.command,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_ending_with(os.getpid()),
            )
        self.started = time.monotonic()

    def due(self) -> bool:
        """Whether the wait before its next start is over."""
        return time.monotonic() - self.started >= self.wait


def _web_processes() -> int:
    """One a core that Concord may use, within bounds."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return min(max(LEAST_WEB, len(allowed)), MOST_WEB)


def services(*, address: str, home: Path) -> list[Service]:
    """What Concord consists of. ``address`` is host:port of the web server."""
    python = sys.executable
    # Workers load what their tasks need, and not every page for Django's checks: as commands (runs/commands.py).
    celery = [python, "-m", "celery", "-A", "config.celery", "--skip-checks"]
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
        return Service(f"worker-{queue}", [*celery, "worker", "-Q", queue, "-n", f"{queue}@%h", *quiet])

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
    forking = ["-m", "runs.folder.forking", str(settings.FORKS), *LOADED_BEFORE_FORKING]
    forks = [Service("forks", [python, *forking], QUIET_THREADS)] if settings.FORKS else []
    return [
        Service("web", [python, "-m", "gunicorn", "config.wsgi", *web]),
        worker("gpu"),
        worker("cpu"),
        worker("quick"),
        worker("webhooks"),
        Service("beat", [*celery, "beat", *schedule]),
        Service("scorer", [python, str(CHECKOUT / "manage.py"), "scorer"]),
        *forks,
    ]


class Supervisor:
    """Keeps ``services`` running until it is told to end.

    ``server`` is the embedded Postgres in this process's hold, or None; ``say`` hears what a person should know.
    """

    def __init__(
        self, services: Sequence[Service], *, logs: Path, server: Server | None, say: Callable[[str], None]
    ) -> None:
        self._services = services
        self._logs = logs
        self._server = server
        self._say = say
        self._signals = 0
        self._looked = time.monotonic()

    def __enter__(self) -> "Supervisor":
        self._logs.mkdir(parents=True, exist_ok=True)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)
        for service in self._services:
            service.start(self._logs)
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    @property
    def ending(self) -> bool:
        """Whether a signal asked it to end."""
        return self._signals > 0

    def watch(self, until: Callable[[], bool] = lambda: False) -> None:
        """Start again what ended, until a signal comes or ``until`` holds."""
        while not self.ending and not until():
            self._look_at_server()
            for service in self._services:
                self._look_at(service)
            time.sleep(TICK_SECONDS)

    def end(self) -> None:
        """End all services and wait for them."""
        heard = self._signals
        for service in self._services:
            _signal(service, signal.SIGTERM)
        deadline = time.monotonic() + END_SECONDS
        while any(_alive(service) for service in self._services):
            if time.monotonic() > deadline or self._signals > max(heard, 1):
                for service in self._services:
                    _signal(service, signal.SIGKILL)
            time.sleep(TICK_SECONDS / 4)

    def last_words(self, name: str) -> str:
        """The end of a service's log."""
        path = self._logs / f"{name}.log"
        return path.read_text(errors="replace")[-2000:] if path.exists() else ""

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1

    def _look_at_server(self) -> None:
        if self._server is None or time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        if self._server.revive():
            self._say("The database had ended and was started again.")

    def _look_at(self, service: Service) -> None:
        if service.process is None:
            if service.due():
                service.start(self._logs)
            return
        status = service.process.poll()
        if status is None:
            return
        lived = time.monotonic() - service.started
        service.wait = 0.0 if lived > WELL_SECONDS else min(LONGEST_WAIT_SECONDS, max(1.0, 2 * service.wait))
        service.ends += 1
        service.process = None
        self._say(
            f"{service.name} ended ({status}) and starts again; its log: {self._logs / service.name}.log"
        )


def _signal(service: Service, number: int) -> None:
    if service.process is not None and service.process.poll() is None:
        service.process.send_signal(number)


def _alive(service: Service) -> bool:
    return service.process is not None and service.process.poll() is None


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
