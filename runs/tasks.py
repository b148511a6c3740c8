"""Celery's side: messages are hints. Each task is safe to deliver twice."""

from typing import Any

from celery import shared_task
from celery.signals import worker_ready, worker_shutting_down
from django.conf import settings

from runs import cleaning, execution, lifecycle
from runs.folder.stopping import StopSignal
from runs.models import Run
from runs.workers import Presence

_leaving = StopSignal()
_present: list[Presence] = []


@worker_ready.connect
def _appear(sender: Any, **signal: Any) -> None:
    """The worker listens, for the first time or once more: it is seen from now on until its process ends."""
    if not _present:
        _present.append(Presence(sender.app.amqp.queues.consume_from).begin())


@worker_shutting_down.connect
def _leave(**signal: Any) -> None:
    """The worker got SIGTERM: a run in hand writes a checkpoint and goes back to queued."""
    _leaving.ask()


@shared_task(name="runs.execute")
def execute_run(run_id: int) -> None:
    """Look at run ``run_id``: carry it out if it is still queued."""
    run = lifecycle.claim(run_id=run_id, worker=execution.worker_name())
    if run is not None:
        execution.execute(run=run, stopping=lambda: bool(_leaving))


@shared_task(name="runs.sweep")
def sweep() -> None:
    """Re-send queued runs whose message may be lost, and reclaim runs whose worker is gone."""
    for run in Run.objects.stale(seconds=settings.RUN_STALE_SECONDS):
        lifecycle.reclaim(run=run)
    for run in Run.objects.unsent(seconds=settings.RUN_STALE_SECONDS):
        lifecycle.send(run=run)


@shared_task(name="runs.clean")
def clean() -> None:
    """Remove files that nobody needs any more."""
    cleaning.clean()
