"""What a test may not leave behind: threads, children and connections to the database. Asked after every test."""

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from typing import NamedTuple

import psutil
from django.db import connection

from tests import served

# The process that forks children for all tests (tests/home.py): its children are theirs.
FORKS = "runs.folder.forking"
# Those of fixtures that live as long as the session, and of libraries that start one once.
THREADS = ("MainThread", "LiveServerThread", "asyncio", "Dummy", "tqdm", "pytest_timeout", "pool-")
CHILDREN = ("node", "resource_tracker", "postgres", "chromium")
# A thread that was told to end ends in its own time, and a connection is gone a moment after its client closed it.
SECONDS_TO_END = 10


class Left(NamedTuple):
    """What is there now."""

    threads: frozenset[int]
    children: frozenset[int]


def present() -> Left:
    """Threads by their ids and children by their processes' ids."""
    return Left(frozenset(_threads()), frozenset(_children()))


def outlived(before: Left) -> list[str]:
    """What was not there ``before`` and does not end by itself within a moment."""
    deadline = time.monotonic() + SECONDS_TO_END
    while left := list(_new(before)):
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    return left


def _new(before: Left) -> Iterator[str]:
    yield from (name for ident, name in _threads().items() if ident not in before.threads)
    yield from (name for pid, name in _children().items() if pid not in before.children)


def _threads() -> dict[int, str]:
    return {
        one.ident: f"thread {one.name}"
        for one in threading.enumerate()
        if one.ident is not None and not one.name.startswith(THREADS) and type(one).__name__ != "TMonitor"
    }


def _children() -> dict[int, str]:
    return _children_of(os.getpid())


def _children_of(parent: int) -> dict[int, str]:
    children: dict[int, str] = {}
    for pid in _ids_of_children(parent):
        try:
            command = " ".join(psutil.Process(pid).cmdline())
        except psutil.Error:
            continue
        if FORKS in command:
            children |= _children_of(pid)
        elif not any(word in command for word in CHILDREN):
            children[pid] = f"child {command[:200]}"
    return children


def _ids_of_children(parent: int) -> list[int]:
    """Asked of Linux itself where it says so: psutil reads every process of the machine, twice a test."""
    tasks = f"/proc/{parent}/task"
    if not os.path.exists(f"{tasks}/{parent}/children"):  # noqa: PTH110 (paths cost more than the answer, twice a test)
        return [child.pid for child in psutil.Process(parent).children()]
    with contextlib.suppress(OSError):  # a thread that has ended since, whose children are another's by now
        return [int(pid) for task in os.listdir(tasks) for pid in _read(f"{tasks}/{task}/children").split()]  # noqa: PTH208
    return _ids_of_children(parent)


def _read(file: str) -> bytes:
    with open(file, "rb") as opened:  # noqa: PTH123
        return opened.read()


def connections() -> list[str]:
    """Other connections to the tests' database that are in the midst of something, or were not closed."""
    deadline = time.monotonic() + SECONDS_TO_END
    while others := _others():
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    return others


def _others() -> list[str]:
    from config.celery import CONNECTIONS  # reads the settings as it is loaded

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state, query FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            # As old as the session (config.celery, tests.served).
            " AND NOT (state = 'idle' AND application_name = ANY(%s))",
            [[CONNECTIONS, served.NAME]],
        )
        return [f"{state}: {query[:200]}" for state, query in cursor.fetchall()]
