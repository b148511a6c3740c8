"""Celery's side of annotation."""

from celery import shared_task

from annotation import queue, withdrawal


@shared_task(name="annotation.expire_assignments")
def expire_assignments() -> None:
    """Hand tasks back whose lease has ended."""
    queue.expire()


@shared_task(name="annotation.finish_withdrawals")
def finish_withdrawals() -> None:
    """Erase the files of withdrawals that have only their rows done."""
    withdrawal.finish_all()
