"""Starting Concord: ``demo`` and ``serve`` from the first check to the last line that a person reads.

1. One Concord a home, and its port free: else a clear error, before anything is started.
2. The embedded Postgres (unless ``DATABASE_URL`` names another), and migrations.
3. What the command wants to have prepared: the demo's project, or the first administrator.
4. The services under one supervisor, until Ctrl+C.
"""

import errno
import fcntl
import http.client
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections

from config import celery
from config.running import database
from config.running.postgres import PostgresFailed, Server
from config.running.services import services
from config.running.supervisor import Supervisor

ATTEMPTS = 3


def launch(*, host: str, port: int, home: Path, own_database: bool, prepare: Callable[[], str]) -> None:
    """Start everything and keep it running until a signal.

    ``prepare`` runs on a migrated database and returns what is printed once the pages answer, with ``{address}``
    in it where the address belongs. Raises CommandError, or ImproperlyConfigured where a variable is at fault.
    """
    home.mkdir(parents=True, exist_ok=True)
    address = f"http://{_shown(host)}:{port}{settings.PATH}"
    with _only_one(home / "running", address):
        _check_port(host, port)
        server = None if own_database else _start_database(home)
        if own_database:
            database.check(migrating=True)
        say("Bringing the database up to date")
        call_command("migrate", verbosity=0, interactive=False)
        words = prepare()
        # The services open connections of their own; this process needs none while it waits, and could not be forked.
        connections.close_all()
        celery.disconnect()
        say("Starting web, workers and beat")
        _supervise(f"{_bracketed(host)}:{port}", home, server, words.format(address=address))
        if server is not None:
            server.release()
    say("Ended.")


def say(text: str) -> None:
    """Tell the person at the terminal; stdout stays free."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _supervise(bind: str, home: Path, server: Server | None, words: str) -> None:
    all_services = services(address=bind, home=home)
    web = all_services[0]
    with Supervisor(all_services, logs=home / "logs", server=server, say=say) as supervisor:
        supervisor.watch(until=lambda: _answers(bind) or web.ends >= ATTEMPTS)
        if web.ends >= ATTEMPTS:
            raise CommandError(f"The web server does not start:\n{supervisor.last_words(web.name)}")
        if not supervisor.ending:
            say(words)
        supervisor.watch()
        say("Ending")


@contextmanager
def _only_one(path: Path, address: str) -> Iterator[None]:
    """Hold ``path`` while Concord runs. The kernel lets it go however the process ends."""
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise CommandError(f"Concord runs already: {file.read().strip()}") from None
        file.truncate(0)
        file.write(f"{address} (process {os.getpid()})\n")
        file.flush()
        yield


def _check_port(host: str, port: int) -> None:
    with closing(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)) as probe:
        # A port whose last connections are still closing is free for gunicorn too.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        # UnicodeError: no name at all. EADDRNOTAVAIL: another machine's.
        except (socket.gaierror, UnicodeError) as error:
            raise _bad_host(host) from error
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise _bad_host(host) from error
            other = port + 1 if 1024 <= port < 65535 else 8000
            raise CommandError(
                f"Port {port} of {host} cannot be used ({error.strerror}). Choose another: PORT={other}"
            ) from None


def _bad_host(host: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"HOST={host!r}: it must be an address or name of this machine, without a port, as 127.0.0.1 or 0.0.0.0."
    )


def _start_database(home: Path) -> Server:
    say("Starting the embedded Postgres")
    server = Server(home)
    try:
        server.hold()
    except PostgresFailed as error:
        raise CommandError(str(error)) from error
    return server


def _answers(bind: str) -> bool:
    host, _, port = bind.rpartition(":")
    address = f"{_shown(host.strip('[]'))}:{port}"
    with closing(http.client.HTTPConnection(address, timeout=5)) as connection:
        try:
            connection.request("HEAD", "/login/")
            return connection.getresponse().status < 500
        except OSError:
            return False


def _shown(host: str) -> str:
    """The name that a browser on this machine may use."""
    return "localhost" if host in {"0.0.0.0", "127.0.0.1", "::"} else _bracketed(host)  # noqa: S104 (compared, not bound)


def _bracketed(host: str) -> str:
    """As an address with a port has it."""
    return f"[{host}]" if ":" in host else host
