"""The tests' own web server: nothing that a test asked of it is answered after the test.

A browser that is closed leaves requests behind, and one that is being closed sends more (the last draft). Each of them
would meet the database of the next test, or this one's while it is emptied. So a gate stands before the application:
it counts who is inside, and once it is shut, whoever comes is turned away without touching anything.

Its connections to the database are handed on from request to request, and from test to test: every context of a browser
comes with connections of its own, and each had one to the database for a request or two.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test.testcases import QuietWSGIRequestHandler
from pytest_django.live_server_helper import LiveServer

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
# What Postgres knows the server's connections by.
NAME = "tests' web server"
# Whoever is inside for longer is a fault of the test's or the application's.
SECONDS_TO_DRAIN = 30


class Connections:
    """Those that no request has at the moment."""

    def __init__(self) -> None:
        self._idle: list[BaseDatabaseWrapper] = []

    def lend(self) -> None:
        """This thread has one from now on. Django looks at it as a request begins, and opens it anew if broken."""
        connections["default"] = self._idle.pop() if self._idle else _make_connection()

    def take_back(self) -> None:
        """This thread has none any more."""
        self._idle.append(connections["default"])
        del connections["default"]

    def close(self) -> None:
        """All of them."""
        while self._idle:
            self._idle.pop().close()


def _make_connection() -> BaseDatabaseWrapper:
    """One that many threads may have in turn; it is opened when somebody wants something of it."""
    wrapper = connections.create_connection("default")
    options = {**wrapper.settings_dict["OPTIONS"], "application_name": NAME}
    wrapper.settings_dict = {**wrapper.settings_dict, "OPTIONS": options}
    wrapper.inc_thread_sharing()
    return wrapper


class Gate:
    """A WSGI application before another."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self.connections = Connections()
        self._changed = threading.Condition()
        self._inside: dict[int, str] = {}
        self._open = False

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer, or turn away."""
        ticket = id(environ)
        with self._changed:
            if not self._open:
                start_response("503 Service Unavailable", [("Content-Length", "0"), ("Connection", "close")])
                return []
            self._inside[ticket] = f"{environ.get('REQUEST_METHOD')} {environ.get('PATH_INFO')}"
        self.connections.lend()
        try:
            answer = self._application(environ, start_response)
        except BaseException:
            self._leave(ticket)
            raise
        return _Answer(answer, lambda: self._leave(ticket))

    def open(self) -> None:
        """Let requests in."""
        with self._changed:
            self._open = True

    def shut(self) -> None:
        """Let nobody in any more, and wait until everybody has left; AssertionError names who has not."""
        with self._changed:
            self._open = False
            self._changed.wait_for(lambda: not self._inside, SECONDS_TO_DRAIN)
            assert not self._inside, f"still being answered: {sorted(self._inside.values())}"

    def _leave(self, ticket: int) -> None:
        self.connections.take_back()
        with self._changed:
            self._inside.pop(ticket, None)
            self._changed.notify_all()


class _Answer:
    """An answer whose reader leaves when it is closed, as every WSGI server closes it."""

    def __init__(self, answer: Iterable[bytes], leave: Callable[[], None]) -> None:
        self._answer, self._leave = answer, leave

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._answer)

    def close(self) -> None:
        """Django ends the request here, connections included."""
        try:
            getattr(self._answer, "close", lambda: None)()
        finally:
            self._leave()


class _Handler(QuietWSGIRequestHandler):
    """Sends what it writes at once: an answer's body would wait 40 ms for word that its headers have arrived."""

    disable_nagle_algorithm = True


class GatedServer(LiveServer):
    """pytest-django's server with a gate, which is shut between tests."""

    def __init__(self) -> None:
        super().__init__("localhost")
        server = self.thread.httpd
        server.RequestHandlerClass = _Handler
        self.gate = Gate(cast("Application", server.get_app()))
        server.set_app(self.gate)

    def drain(self) -> None:
        """Shut the gate, and wait for the threads of connections that are closed."""
        self.gate.shut()
        deadline = time.monotonic() + SECONDS_TO_DRAIN
        while threads := [one for one in threading.enumerate() if "process_request_thread" in one.name]:
            assert time.monotonic() < deadline, f"connections that nobody closed: {threads}"
            # One that was told to start and has not yet is among them, and cannot be joined.
            threads[0].join(0.05) if threads[0].is_alive() else time.sleep(0.01)

    def stop(self) -> None:
        """For good."""
        super().stop()
        self.gate.connections.close()
