"""Celery's side of annotation."""

from celery import shared_task

from annotation import queue, tallies


@shared_task(name="annotation.expire_assignments")
def expire_assignments() -> None:
    """Hand tasks back whose lease has ended."""
    queue.expire()


@shared_task(name="annotation.count_judgements")
def count_judgements() -> None:
    """Bring the quality statistics up to date."""
    tallies.count_everywhere()
