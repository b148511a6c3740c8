"""The embedded Postgres: there while somebody holds it, gone after, back when it was killed."""

import contextlib
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from config.running import postgres
from config.running.postgres import Server
from config.running.unprivileged import open_the_way_to

pytestmark = pytest.mark.processes

HOLD = """
import sys, time
from pathlib import Path
from config.running.postgres import Server
Server(Path(sys.argv[1])).hold()
print("held", flush=True)
time.sleep(100)
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder with a short path (pytest's own are too long for a socket on some machines)."""
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def holder(home: Path) -> "subprocess.Popen[str]":
    """A process that holds the server of ``home``."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home)], cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: "subprocess.Popen[str]", number: int) -> None:
    process.send_signal(number)
    process.wait(20)
    assert process.stdout is not None
    process.stdout.close()


def kill(server: Server) -> None:
    """As a machine short of memory would."""
    os.kill(int((server.folder / "data/postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
    while server.answers():
        time.sleep(0.05)


def test_the_server_lives_as_long_as_its_last_holder(home: Path) -> None:
    first, second = Server(home), Server(home)
    first.hold()
    second.hold()
    first.release()
    assert first.answers()
    second.release()
    assert not second.answers()


def test_rows_outlive_the_server(home: Path) -> None:
    server = Server(home)
    address = f"host={home}/postgres port=5432 user=concord dbname=concord"
    for query in ("CREATE TABLE kept AS SELECT 7 AS number", "SELECT number FROM kept"):
        server.hold()
        with psycopg.connect(address) as database:
            cursor = database.execute(query)
        server.release()
    assert cursor.fetchone() == (7,)


def test_a_killed_holder_leaves_nothing_behind_once_the_next_one_goes(home: Path) -> None:
    killed = holder(home)
    end(killed, signal.SIGKILL)
    server = Server(home)
    assert server.answers()  # nobody was left to stop it
    server.hold()
    server.release()
    assert not server.answers()


def test_a_killed_server_is_started_again(home: Path) -> None:
    server = Server(home)
    server.hold()
    kill(server)
    assert server.revive()
    assert server.answers()
    assert not server.revive()
    server.release()


def test_a_server_that_another_holder_has_started_again_had_ended_too(home: Path) -> None:
    server = Server(home)
    server.hold()
    assert not server.revive()
    kill(server)
    other = Server(home)
    other.hold()
    assert server.answers()
    assert server.revive()
    assert not server.revive()
    assert not other.revive()
    other.release()
    server.release()


def test_a_server_all_of_whose_connections_are_taken_has_not_ended(home: Path) -> None:
    server = Server(home, options=["max_connections=5", "superuser_reserved_connections=0"])
    server.hold()
    address = f"host={home}/postgres port=5432 user=concord dbname=concord"
    with contextlib.ExitStack() as all_of_them:
        taken = 0
        while taken < 5:
            # One that was just closed may be counted for a moment.
            with contextlib.suppress(psycopg.OperationalError):
                all_of_them.enter_context(psycopg.connect(address))
                taken += 1
        with pytest.raises(psycopg.OperationalError, match="too many clients"):
            psycopg.connect(address)
        assert server.answers()
        assert not server.revive()
    assert not server.revive()
    server.release()
    assert not server.answers()


def test_its_cache_is_a_part_of_the_memory_within_bounds(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(home)
    caches: list[str] = []
    for gigabytes in (1, 4, 256):
        monkeypatch.setattr(postgres, "_memory_bytes", lambda memory=gigabytes * 2**30: memory)
        server.hold()
        with psycopg.connect(server._address()) as database:
            caches += database.execute("SHOW shared_buffers").fetchone() or ()
        server.release()
    assert caches == ["128MB", "256MB", "512MB"]


def test_the_memory_is_that_of_the_machine() -> None:
    (kilobytes,) = re.findall(r"^MemTotal: +(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    assert postgres._memory_bytes() == pytest.approx(int(kilobytes) * 1024, rel=0.05)


def test_processes_that_start_it_at_once_share_one(home: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", HOLD, str(home)], cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        end(process, signal.SIGKILL)
    server = Server(home)
    server.hold()
    server.release()
    assert not server.answers()


def test_nobody_else_may_reach_the_socket(home: Path) -> None:
    server = Server(home)
    server.hold()
    assert stat.S_IMODE((home / "postgres").stat().st_mode) == 0o700
    server.release()


def test_an_interrupted_set_up_is_done_again(home: Path) -> None:
    half = home / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18")
    server = Server(home)
    server.hold()
    assert server.answers()
    server.release()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives another account the way")
def test_root_opens_the_way_for_the_servers_account(home: Path) -> None:
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    open_the_way_to(closed / "inside")
    assert stat.S_IMODE(closed.stat().st_mode) == 0o701
