"""Which queues have a worker: each lets the database know for as long as it lives, however busy it is.

A connection of its own holds an advisory lock for each of the worker's queues, and Postgres drops them with it. What a
worker does is no sign of life: counting, erasing and cleaning may take it an hour, and so may a run of another queue.
"""

import logging
import threading
from collections.abc import Iterable
from contextlib import closing
from typing import Literal

from django.db import Error as DatabaseError
from django.db import connection, connections

from runs.models import Run

logger = logging.getLogger("concord.runs")
# The class of the advisory locks of workers; any number that is nobody else's. The second key is the queue's place.
_WORKERS = 0x776F_726B
# Between two looks at whether its connection still holds: Postgres may have been started anew.
LOOK_SECONDS = 5.0


def has_worker(queue: str) -> bool:
    """Whether a worker of the queue is connected to this database now."""
    with connection.cursor() as cursor:
        cursor.execute(_CONNECTED, [_WORKERS, _place(queue)])
        return bool(cursor.fetchone()[0])


_CONNECTED = """
    SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = %s AND objid = %s
        AND objsubid = 2 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""


class Presence:
    """Lets the database know of a worker of ``queues``, from a thread of its own: from ``begin`` until it is left."""

    def __init__(self, queues: Iterable[str]) -> None:
        # Others (sweeps, webhooks) carry out no runs.
        self._places = [_place(queue) for queue in queues if queue in Run.Queue.values]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._stay, daemon=True, name="presence of a worker")

    def begin(self) -> "Presence":
        """At once; a worker never leaves."""
        self._thread.start()
        return self

    def __enter__(self) -> "Presence":
        return self.begin()

    def __exit__(self, *error: object) -> Literal[False]:
        self._over.set()
        self._thread.join()
        return False

    def _stay(self) -> None:
        while not self._over.is_set():
            try:
                self._hold()
            except DatabaseError as error:
                logger.warning("nobody can see this worker now: %s", error)
                self._over.wait(LOOK_SECONDS)

    def _hold(self) -> None:
        # None of Django's own, which closes between tasks.
        with closing(connections.create_connection("default")) as connection, connection.cursor() as cursor:
            for place in self._places:
                cursor.execute("SELECT pg_advisory_lock_shared(%s, %s)", [_WORKERS, place])
            while not self._over.wait(LOOK_SECONDS):
                cursor.execute("SELECT 1")


def _place(queue: str) -> int:
    return Run.Queue.values.index(queue)
