"""Celery's side of annotation."""

from celery import shared_task

from annotation import queue


@shared_task(name="annotation.expire_assignments")
def expire_assignments() -> None:
    """Hand tasks back whose lease has ended."""
    queue.expire()
