"""One process that keeps Concord's others alive: the services (config.running.services), and the embedded Postgres.

A service that ends is started again, after a wait that doubles while it keeps ending. Each writes its own log under
HOME/logs. SIGINT (Ctrl+C) or SIGTERM ends them all: SIGTERM first, SIGKILL after a while or at the second signal.
"""

import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from django.conf import settings

from config.running.postgres import Server
from config.running.services import Service

TICK_SECONDS = 0.2
# A run that is told to leave has RUN_STOP_SECONDS for its checkpoint; then its worker ends it, gives it back and
# leaves. A worker that is ended before that counts as lost, so it has ten seconds more.
END_SECONDS = settings.RUN_STOP_SECONDS + 10.0
LONGEST_WAIT_SECONDS = 30.0
# A service that ran for so long counts as well again.
WELL_SECONDS = 60.0
# Between two looks at whether the database still answers.
LOOK_SECONDS = 2.0


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
