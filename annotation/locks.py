"""The one order in which locks are taken. Whoever takes two of them takes them in this order, and so nobody waits in a
circle; tests/annotation/test_pairs_of_writes.py runs every two writers against each other.

    desk          one a project, an advisory lock: who writes many rows or takes tasks out of people's hands
                  (imports, samples, gold and back, priorities, withdrawals)
    snapshots     one a project, an advisory lock: who freezes judgements or withdraws them
    annotator     everything that somebody does in the queue begins with their own row; ``everybody`` takes all of them
    assignment
    slot
    task
    judgement     rankings, ratings, demonstrations
    completion    who stores what a later stage says of it, or withdraws it
    project       its settings, and the version of its queue: last, and to the commit at once

- All rows are locked FOR NO KEY UPDATE: rows that point at them are still written (an insert takes KEY SHARE), and no
  writer changes a key. Several rows of one table are locked in the order of their ids.
- Claims, leases that end and slots that an import fills go round what is locked (SKIP LOCKED): they wait for nobody.
- The project's row comes last, not first: an import is long, and settings must not wait for it.
- Under a lock there are rows alone: no file, no hash, no network.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from django.db import OperationalError, connection
from django.db.models import F, Model, QuerySet

from annotation.errors import BadRequest, Busy
from annotation.models import Annotator, Project
from annotation.rows import planned
from runs.writing import sqlstate

M = TypeVar("M", bound=Model)
# The classes of the advisory locks; any numbers that are nobody else's.
_DESK, _SNAPSHOTS = 0x6465_736B, 0x736E_6170
_LOCK_NOT_AVAILABLE = "55P03"
# How long somebody at a page waits for a lock, from where a statement sets it to the commit; then they are told
# (refusing).
PATIENCE = "10s"


def desk(project: Project, *, patient: bool = False) -> None:
    """The project's desk, to the commit. ``patient`` callers (runs, commands) wait as long as it takes. Raises Busy."""
    with refusing(), connection.cursor() as cursor:
        if not patient:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE])
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_DESK, project.pk])


def snapshots(project: Project) -> None:
    """Wait for whoever takes a snapshot of the project or withdraws from it, and keep them waiting to the commit."""
    with refusing(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_SNAPSHOTS, project.pk])


def annotator(annotator: Annotator) -> None:
    """The row of one annotator: what they do in two tabs happens one after the other. Raises Busy, BadRequest."""
    with refusing(), planned() as cursor:
        cursor.execute(_ANNOTATOR, [PATIENCE, annotator.pk])
        refuse_withdrawn(cursor.fetchone()[0])


# One statement, one way to the server: rows are locked above the join, so ``briefly`` has bounded the wait by then.
_ANNOTATOR = """
    WITH briefly AS MATERIALIZED (SELECT set_config('lock_timeout', %s, true))
    SELECT annotator.withdrawn_at FROM briefly, annotation_annotator annotator WHERE annotator.id = %s
    FOR NO KEY UPDATE OF annotator
"""


def refuse_withdrawn(withdrawn_at: datetime | None) -> None:
    """Raises BadRequest of somebody whose data was taken back before they came to the lock."""
    if withdrawn_at is not None:
        raise BadRequest("This annotator's data was taken back: nothing of theirs is kept any more.")


def annotators(ids: Iterable[int]) -> None:
    """The rows of several, for as long as it takes. The desk comes first: who has it alone locks more than one."""
    rows(Annotator.objects.filter(pk__in=set(ids)).only("pk"))


def everybody(project: Project) -> None:
    """All annotators of the project: nobody claims, submits or hands back until the commit. The desk comes first.

    For the few who take tasks out of people's hands. A claim that is not committed yet shows in no table; its
    annotator's row tells that it has ended.
    """
    rows(Annotator.objects.filter(project=project).only("pk"))


def rows(queryset: "QuerySet[M]") -> list[M]:
    """The rows of a query that still fit it once they are locked, in the order of their ids."""
    return list(queryset.order_by("pk").select_for_update(of=("self",), no_key=True))


def queue_moved(project: Project) -> None:
    """Make bookmarks void: what was added or moved may stand before them. The project's row, so it comes last."""
    Project.objects.filter(pk=project.pk).update(queue_version=F("queue_version") + 1)


@contextmanager
def refusing() -> Iterator[None]:
    """Turn a lock that did not come in time (PATIENCE) into Busy."""
    try:
        yield
    except OperationalError as error:
        if sqlstate(error) != _LOCK_NOT_AVAILABLE:
            raise
        raise Busy(
            "An import, a withdrawal or the like is being written. Nothing of yours was changed: "
            "try again when it has ended."
        ) from error
