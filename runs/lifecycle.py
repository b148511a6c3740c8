"""Every change of a run's status, by compare-and-set: update where the old state holds, look at the count.

create        -> queued                        any caller
claim         queued -> running                the worker that took the message
beat, show    running, same attempt            its heartbeat; progress and metrics
give_back     running -> queued                a worker stopped on purpose: costs nothing
lose          running -> queued | failed       the child was killed, by the machine and not by us
reclaim       the same                         when the heartbeat stopped
succeed, fail, end_cancelled   running -> the end
cancel        queued -> cancelled; running gets a request that its worker obeys
resume        failed | cancelled -> queued           somebody wants it to go on from its checkpoint

What would be queued again although somebody asked for its cancellation is cancelled: the request is read under the
row's lock, which cancel takes too, so whichever comes first, the other sees it. A queued run has no such request
(run_queued_is_not_cancelled).

Whoever listens (runs.ends) hears of each end in its transaction.
"""

import datetime
import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from runs import ends
from runs.errors import LeaseLost, RunNotActive, RunNotEnded
from runs.folder.progress import Reading
from runs.models import Run, RunAnswer, RunMetric, RunQuerySet
from runs.writing import write

Status = Run.Status
logger = logging.getLogger("concord.runs")


@write
def create(
    *, kind: str, variant: str = "", created_by: User | None = None, queue: str = Run.Queue.CPU
) -> Run:
    """A queued run. The caller adds its own row in the same transaction; Celery hears after the commit."""
    run = Run.objects.create(kind=kind, variant=variant, created_by=created_by, queue=queue)
    transaction.on_commit(lambda: send(run=run))
    return run


def send(*, run: Run) -> None:
    """Hint at ``run`` through Celery. Losing the hint costs one sweep, so a broker that is down is no error here."""
    from runs.tasks import execute_run

    Run.objects.filter(pk=run.pk).update(sent_at=Now())
    try:
        execute_run.apply_async((run.pk,), queue=run.queue, retry=False)
    except Exception as error:  # any transport has its own errors; the sweep sends again
        logger.warning("run %s could not be sent, the sweep will: %s", run.pk, error)


def claim(*, run_id: int, worker: str) -> Run | None:
    """Take the lease of a queued run, or None where it is not queued any more (a second delivery)."""
    taken = Run.objects.filter(pk=run_id, status=Status.QUEUED, cancel_requested_at=None).update(
        status=Status.RUNNING,
        worker=worker,
        attempt=F("attempt") + 1,
        heartbeat_at=Now(),
        started_at=Now(),
    )
    return Run.objects.get(pk=run_id) if taken else None


def beat(*, run: Run) -> bool:
    """Renew the lease. True where a cancel was asked for. Raises LeaseLost."""
    row = _row_of_lease(run)
    if not row.update(heartbeat_at=Now()):
        raise _lost(run)
    return row.filter(cancel_requested_at__isnull=False).exists()


def show(
    *, run: Run, progress: Reading | None, log_tail: str, computed_on: dict[str, Any] | None = None
) -> None:
    """Copy what the child says of itself into the row, for its page. Raises LeaseLost."""
    changes: dict[str, Any] = {"log_tail": log_tail}
    if computed_on is not None:
        changes["computed_on"] = computed_on
    if progress is not None:
        total = max(progress.total, 0)
        changes |= {
            "done": min(max(progress.done, 0), total),
            "total": total,
            "doing": progress.doing[:200],
            "expected_end": _moment(progress.expected_end),
        }
    if not _row_of_lease(run).update(**changes):
        raise _lost(run)


def _moment(seconds: float | None) -> datetime.datetime | None:
    return None if seconds is None else datetime.datetime.fromtimestamp(seconds, datetime.UTC)


@write
def add_metrics(*, run: Run, lines: list[dict[str, Any]]) -> None:
    """Copy lines of metrics.jsonl into rows, under the lease (LeaseLost), so that none is copied twice."""
    if not _row_of_lease(run).select_for_update(no_key=True).exists():
        raise _lost(run)
    RunMetric.objects.bulk_create(
        [RunMetric(run=run, step=line["step"], figures=line) for line in lines], batch_size=1000
    )


@write
def clear_metrics(*, run: Run) -> None:
    """Forget the copied lines: a new attempt copies the file from its start, cut to the checkpoint."""
    if not _row_of_lease(run).select_for_update(no_key=True).exists():
        raise _lost(run)
    RunMetric.objects.filter(run=run).delete()


@write
def add_answers(*, run: Run, lines: list[dict[str, Any]]) -> None:
    """Copy lines of watched.jsonl into rows, under the lease (LeaseLost)."""
    if not _row_of_lease(run).select_for_update(no_key=True).exists():
        raise _lost(run)
    names = ("step", "prompt_id", "answer", "reward")
    RunAnswer.objects.bulk_create(
        [RunAnswer(run=run, **{name: line[name] for name in names}) for line in lines], batch_size=1000
    )


@write
def clear_answers(*, run: Run) -> None:
    """Forget the copied answers, as ``clear_metrics`` forgets figures."""
    if not _row_of_lease(run).select_for_update(no_key=True).exists():
        raise _lost(run)
    RunAnswer.objects.filter(run=run).delete()


@write
def succeed(*, run: Run, finish: Callable[[], None]) -> None:
    """Mark succeeded and write the rows of the kind's end, both or neither. Raises LeaseLost.

    The run's row is locked from here on: ``finish`` writes rows, and waits for no file.
    """
    if not _end(run, Status.SUCCEEDED, reason=""):
        raise _lost(run)
    finish()


def fail(*, run: Run, reason: str, log_tail: str | None = None) -> bool:
    """Mark failed, with the reason that the page shows. False where the lease is lost."""
    return _end(run, Status.FAILED, reason=reason, log_tail=log_tail)


def end_cancelled(*, run: Run) -> bool:
    """Mark cancelled, once the child is gone. False where the lease is lost."""
    return _end(run, Status.CANCELLED, reason="Cancelled.")


@write
def give_back(*, run: Run) -> str:
    """Queued again after a stop on purpose, from its last checkpoint and without a loss; cancelled where that was
    asked for. Locks the row; returns the status. Raises LeaseLost."""
    return _release(_locked(run), lost=False)


@write
def lose(*, run: Run) -> str:
    """The child that this worker held was killed by somebody else: queued again, cancelled where that was asked for,
    or failed after ``RUN_ATTEMPTS`` losses. Locks the row; returns the status. Raises LeaseLost."""
    return _release(_locked(run), lost=True)


@write
def reclaim(*, run: Run) -> str:
    """The same for a run whose worker is silent; returns its status.

    ``run`` was read before: the race with a worker that comes back is decided by its heartbeat, which is the same
    under the lock, or the run is left alone. So is one whose row is locked: whoever locks it is alive.
    """
    silent = _row_of_lease(run).filter(heartbeat_at=run.heartbeat_at)
    locked = silent.select_for_update(skip_locked=True, no_key=True).first()
    if locked is not None:
        _release(locked, lost=True)
    run.refresh_from_db()
    return run.status


def _release(run: Run, *, lost: bool) -> str:
    """Whoever calls has locked the row."""
    if lost:
        run.lost_workers += 1
    if run.cancel_requested_at:
        run.status, run.reason = Status.CANCELLED, "Cancelled."
    elif lost and run.lost_workers >= settings.RUN_ATTEMPTS:
        run.status = Status.FAILED
        run.reason = (
            f"Its process was lost {run.lost_workers} times (killed, out of memory, or the machine went down). "
            "See the log; start it again when the cause is mended."
        )
    else:
        run.status = Status.QUEUED
    ended = run.status != Status.QUEUED
    gone: dict[str, Any] = {"finished_at": Now()} if ended else {"worker": "", "heartbeat_at": None}
    Run.objects.filter(pk=run.pk).update(
        status=run.status, reason=run.reason, lost_workers=run.lost_workers, sent_at=None, **gone
    )
    if ended:
        ends.tell(Run.objects.get(pk=run.pk))
    return run.status


def _locked(run: Run) -> Run:
    locked = _row_of_lease(run).select_for_update(no_key=True).first()
    if locked is None:
        raise _lost(run)
    return locked


@write
def cancel(*, run: Run) -> None:
    """Cancel now if queued, else ask the worker to. Locks the row, as whoever gives it back does. Raises
    RunNotActive."""
    status = Run.objects.select_for_update(no_key=True).values_list("status", flat=True).get(pk=run.pk)
    changes: dict[str, Any] = {"cancel_requested_at": Now()}
    if status == Status.QUEUED:
        changes |= {"status": Status.CANCELLED, "finished_at": Now(), "reason": "Cancelled."}
    elif status != Status.RUNNING:
        raise RunNotActive(f"Run {run.pk} has already ended, so there is nothing to cancel.")
    Run.objects.filter(pk=run.pk).update(**changes)
    if status == Status.QUEUED:
        ends.tell(Run.objects.get(pk=run.pk))


@write
def resume(*, run: Run) -> None:
    """Queue a run again that failed or was cancelled: it goes on from its newest checkpoint, or from its beginning
    where its folder is kept no longer. Raises RunNotEnded."""
    ended = Run.objects.filter(pk=run.pk, status__in=(Status.FAILED, Status.CANCELLED))
    queued = ended.update(
        status=Status.QUEUED,
        finished_at=None,
        cancel_requested_at=None,
        heartbeat_at=None,
        expected_end=None,
        sent_at=None,
        worker="",
        reason="",
        lost_workers=0,
    )
    if not queued:
        raise RunNotEnded(
            f"Run {run.pk} has neither failed nor been cancelled, so there is nothing to go on with."
        )
    transaction.on_commit(lambda: send(run=run))


def _lost(run: Run) -> LeaseLost:
    return LeaseLost(f"run {run.pk} is not held under attempt {run.attempt} any more")


def _row_of_lease(run: Run) -> RunQuerySet:
    return Run.objects.filter(pk=run.pk, status=Status.RUNNING, attempt=run.attempt)


@write
def _end(run: Run, status: str, *, reason: str, log_tail: str | None = None) -> bool:
    changes: dict[str, Any] = {"status": status, "finished_at": Now(), "reason": reason}
    if log_tail is not None:
        changes["log_tail"] = log_tail
    if status == Status.SUCCEEDED:
        changes["done"] = F("total")
    ended = bool(_row_of_lease(run).update(**changes))
    if ended:
        run.refresh_from_db()
        ends.tell(run)
    return ended


def elapsed(run: Run, now: datetime.datetime) -> float | None:
    """Seconds from start to finish, or to ``now``; None before the start."""
    if run.started_at is None:
        return None
    return ((run.finished_at or now) - run.started_at).total_seconds()
