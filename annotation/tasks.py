"""Celery's side of annotation."""

from celery import shared_task

from annotation import queue, tallies, withdrawal


@shared_task(name="annotation.expire_assignments")
def expire_assignments() -> None:
    """Hand tasks back whose lease has ended."""
    queue.expire()


@shared_task(name="annotation.count_judgements")
def count_judgements() -> None:
    """Bring the quality statistics up to date."""
    tallies.count_everywhere()


@shared_task(name="annotation.finish_withdrawals")
def finish_withdrawals() -> None:
    """Erase the files of withdrawals that have only their rows done."""
    withdrawal.finish_all()
