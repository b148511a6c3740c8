"""Celery's side of annotation."""

from celery import shared_task

from annotation.api import idempotency, rate
from annotation.collecting import queue
from annotation.files import uploads
from annotation.quality import upkeep
from annotation.sessions import SessionStore
from annotation.webhooks import sending
from annotation.withdrawal import erasure


@shared_task(name="annotation.expire_assignments")
def expire_assignments() -> None:
    """Hand tasks back whose lease has ended."""
    queue.expire()


@shared_task(name="annotation.count_judgements")
def count_judgements() -> None:
    """Bring the quality statistics up to date."""
    upkeep.count_everywhere()


@shared_task(name="annotation.finish_withdrawals")
def finish_withdrawals() -> None:
    """Erase the files of withdrawals that have only their rows done."""
    erasure.finish_all()


@shared_task(name="annotation.send_webhooks")
def send_webhooks() -> None:
    """Send the messages to other servers that are due."""
    sending.send_due()


@shared_task(name="annotation.forget_old")
def forget_old() -> None:
    """Delete what has served: kept answers, rates of callers who are gone, messages of long ago, ended sessions."""
    idempotency.forget_old()
    rate.forget_old()
    sending.forget_old()
    SessionStore.clear_expired()


@shared_task(name="annotation.clean_uploads")
def clean_uploads() -> None:
    """Remove uploads that no import will read again."""
    uploads.clean()
