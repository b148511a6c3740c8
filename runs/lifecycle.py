"""Every change of a run's status, by compare-and-set: update where the old state holds, look at the count.

create        -> queued                        any caller
claim         queued -> running                the worker that took the message
beat, show    running, same attempt            its heartbeat; progress and metrics
give_back     running -> queued                a worker stopped on purpose: costs nothing
reclaim       running -> queued | failed       when the heartbeat stopped or the child was killed
succeed, fail, end_cancelled   running -> the end
cancel        queued -> cancelled; running gets a request that its worker obeys

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
from runs.errors import LeaseLost, RunNotActive
from runs.folder.progress import Reading
from runs.models import Run, RunMetric, RunQuerySet

Status = Run.Status
logger = logging.getLogger("concord.runs")


@transaction.atomic
def create(*, kind: str, created_by: User | None = None, queue: str = Run.Queue.CPU) -> Run:
    """A queued run. The caller adds its own row in the same transaction; Celery hears after the commit."""
    run = Run.objects.create(kind=kind, created_by=created_by, queue=queue)
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
    held = _held(run)
    if not held.update(heartbeat_at=Now()):
        raise _lost(run)
    return held.filter(cancel_requested_at__isnull=False).exists()


def show(*, run: Run, progress: Reading | None, log_tail: str) -> None:
    """Copy what the child says of itself into the row, for its page. Raises LeaseLost."""
    changes: dict[str, Any] = {"log_tail": log_tail}
    if progress is not None:
        total = max(progress.total, 0)
        changes |= {"done": min(max(progress.done, 0), total), "total": total}
        if progress.doing != run.doing:
            run.doing = progress.doing
            changes |= {"doing": progress.doing[:200], "doing_since": Now()}
    if not _held(run).update(**changes):
        raise _lost(run)


@transaction.atomic
def add_metrics(*, run: Run, lines: list[dict[str, Any]]) -> None:
    """Copy lines of metrics.jsonl into rows, under the lease (LeaseLost), so that none is copied twice."""
    if not _held(run).select_for_update().exists():
        raise _lost(run)
    RunMetric.objects.bulk_create(
        [RunMetric(run=run, step=line["step"], figures=line) for line in lines], batch_size=1000
    )


@transaction.atomic
def clear_metrics(*, run: Run) -> None:
    """Forget the copied lines: a new attempt copies the file from its start, cut to the checkpoint."""
    if not _held(run).select_for_update().exists():
        raise _lost(run)
    RunMetric.objects.filter(run=run).delete()


@transaction.atomic
def succeed(*, run: Run, finish: Callable[[], None]) -> None:
    """Mark succeeded and do what the kind does at its end, both or neither. Raises LeaseLost."""
    if not _end(run, Status.SUCCEEDED, reason=""):
        raise _lost(run)
    finish()


def fail(*, run: Run, reason: str, log_tail: str | None = None) -> bool:
    """Mark failed, with the reason that the page shows. False where the lease is lost."""
    return _end(run, Status.FAILED, reason=reason, log_tail=log_tail)


def end_cancelled(*, run: Run) -> bool:
    """Mark cancelled, once the child is gone. False where the lease is lost."""
    return _end(run, Status.CANCELLED, reason="Cancelled.")


def give_back(*, run: Run) -> bool:
    """Back to queued after a stop on purpose; the checkpoint stays and no attempt is spent."""
    return bool(_held(run).update(status=Status.QUEUED, worker="", heartbeat_at=None, sent_at=None))


@transaction.atomic
def reclaim(*, run: Run) -> str:
    """Queue a run whose worker or child was killed, or fail it after ``RUN_ATTEMPTS`` such losses.

    ``run`` was read before: the race with a worker that comes back is decided by its heartbeat,
    since both update where the attempt and the old heartbeat hold, and one of them sees zero rows.
    """
    lost = _held(run).filter(heartbeat_at=run.heartbeat_at)
    if run.cancel_requested_at:
        changed = lost.update(status=Status.CANCELLED, finished_at=Now(), reason="Cancelled.")
    elif run.lost_workers + 1 >= settings.RUN_ATTEMPTS:
        reason = (
            f"Its process was lost {run.lost_workers + 1} times (killed, out of memory, or the machine went down). "
            "See the log; start it again when the cause is mended."
        )
        changed = lost.update(
            status=Status.FAILED, finished_at=Now(), reason=reason, lost_workers=F("lost_workers") + 1
        )
    else:
        changed = lost.update(
            status=Status.QUEUED, worker="", sent_at=None, lost_workers=F("lost_workers") + 1
        )
    run.refresh_from_db()
    if changed and run.status != Status.QUEUED:
        ends.tell(run)
    return run.status


@transaction.atomic
def cancel(*, run: Run) -> None:
    """Cancel now if queued, else ask the worker to. Raises RunNotActive."""
    queued = Run.objects.filter(pk=run.pk, status=Status.QUEUED)
    if queued.update(
        status=Status.CANCELLED, finished_at=Now(), cancel_requested_at=Now(), reason="Cancelled."
    ):
        ends.tell(Run.objects.get(pk=run.pk))
        return
    running = Run.objects.filter(pk=run.pk, status=Status.RUNNING)
    # A worker may have claimed it between the two updates; then the second one finds it.
    if not running.update(cancel_requested_at=Now()):
        raise RunNotActive(f"Run {run.pk} has already ended, so there is nothing to cancel.")


def _lost(run: Run) -> LeaseLost:
    return LeaseLost(f"run {run.pk} is not held under attempt {run.attempt} any more")


def _held(run: Run) -> RunQuerySet:
    return Run.objects.filter(pk=run.pk, status=Status.RUNNING, attempt=run.attempt)


@transaction.atomic
def _end(run: Run, status: str, *, reason: str, log_tail: str | None = None) -> bool:
    changes: dict[str, Any] = {"status": status, "finished_at": Now(), "reason": reason}
    if log_tail is not None:
        changes["log_tail"] = log_tail
    if status == Status.SUCCEEDED:
        changes["done"] = F("total")
    ended = bool(_held(run).update(**changes))
    if ended:
        run.refresh_from_db()
        ends.tell(run)
    return ended


def elapsed(run: Run, now: datetime.datetime) -> float | None:
    """Seconds from start to finish, or to ``now``; None before the start."""
    if run.started_at is None:
        return None
    return ((run.finished_at or now) - run.started_at).total_seconds()
