"""Deliveries that are due, sent one after another, each by one worker at a time."""

import http.client
import ssl
import time
from datetime import timedelta

from django.conf import settings
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from annotation.models import Delivery
from annotation.webhooks import connecting, signing
from runs.writing import write

Status = Delivery.Status
# After each failure, in minutes: three days in all (the specification's own schedule ends a little earlier).
WAITS = (0.1, 0.5, 2, 10, 30, 2 * 60, 5 * 60, 10 * 60, 14 * 60, 20 * 60, 24 * 60)
# Longer than one POST can take: a worker that died with a delivery in hand leaves it due again after this.
_IN_HAND = timedelta(seconds=60)
# One call sends no more than it can in this time, and the next one is due then.
_SECONDS_A_CALL = 10.0
# What else waits for a server that does not answer is left alone for so long: one message at a time asks whether it
# is back, so that its queue, however long, takes no time from the messages to others.
_AWAY = timedelta(seconds=60)
# One that takes so long to answer lets the messages to others go first, for so many times as long.
_SLOW_SECONDS, _GIVES_WAY = 1.0, 10
# How long the page shows what became of a message.
KEPT_FOR = timedelta(days=30)


def send_due() -> int:
    """Send what is due, for some seconds; returns how many were tried."""
    until = time.monotonic() + _SECONDS_A_CALL
    tried = 0
    while time.monotonic() < until:
        delivery = _take()
        if delivery is None:
            break
        _send(delivery)
        tried += 1
    return tried


@write
def _take() -> Delivery | None:
    """The next due delivery, not due for anybody else while it is in hand. Under SKIP LOCKED, so workers share."""
    due = Delivery.objects.due().select_for_update(of=("self",), skip_locked=True, no_key=True)
    delivery = due.select_related("webhook").order_by("next_attempt_at", "pk").first()
    if delivery is not None:
        Delivery.objects.filter(pk=delivery.pk).update(
            attempts=F("attempts") + 1, next_attempt_at=Now() + _IN_HAND
        )
        delivery.attempts += 1
    return delivery


def _send(delivery: Delivery) -> None:
    body = delivery.body.encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Concord-Webhooks",
        **signing.headers(
            secret=delivery.webhook.secret,
            message_id=str(delivery.public_id),
            timestamp=int(timezone.now().timestamp()),
            body=body,
        ),
    }
    began = time.monotonic()
    try:
        status, words = connecting.post(
            delivery.webhook.url, body=body, headers=headers, private=settings.WEBHOOKS_PRIVATE
        )
    except connecting.Refused as error:
        return _end(delivery, reason=str(error))
    except (OSError, http.client.HTTPException, ValueError) as error:
        _spare(delivery, _AWAY)
        return _again(delivery, None, _in_words(error))
    if (took := time.monotonic() - began) > _SLOW_SECONDS and _others_wait(delivery):
        _spare(delivery, timedelta(seconds=took * _GIVES_WAY))
    if 200 <= status < 300:
        return _delivered(delivery, status)
    if 300 <= status < 400:
        return _again(delivery, status, _REDIRECTED)
    return _again(delivery, status, words or "The server gave no reason.")


_REDIRECTED = (
    "The server redirects, and a message follows no redirect: give the webhook the address it leads to."
)


def _in_words(error: Exception) -> str:
    """Why there was no answer, and what the machine calls it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = "The server's certificate is not to be trusted"
    elif isinstance(error, ssl.SSLError):
        why = "The server does not speak TLS as it should"
    elif isinstance(error, http.client.RemoteDisconnected | ConnectionError):
        why = "The server took no message"
    elif isinstance(error, OSError):
        why = "The server could not be reached"
    else:
        why = "The answer is no HTTP, or was cut off"
    return f"{why} ({type(error).__name__}: {error})"


def _delivered(delivery: Delivery, status: int) -> None:
    _mine(delivery).update(
        status=Status.DELIVERED, delivered_at=Now(), answer_status=status, reason="", next_attempt_at=Now()
    )


def _again(delivery: Delivery, status: int | None, why: str) -> None:
    """Later, unless this was the last try."""
    if delivery.attempts > len(WAITS):
        return _end(delivery, reason=why, answer_status=status)
    wait = timedelta(minutes=WAITS[delivery.attempts - 1])
    _mine(delivery).update(next_attempt_at=Now() + wait, answer_status=status, reason=_kept(why))
    return None


def _spare(delivery: Delivery, wait: timedelta) -> None:
    """Nobody answered, or slowly: the webhook's other messages wait too, and it is no attempt of theirs."""
    due = Delivery.objects.due().filter(webhook=delivery.webhook_id)
    due.update(next_attempt_at=Now() + wait)


def _others_wait(delivery: Delivery) -> bool:
    return Delivery.objects.due().exclude(webhook=delivery.webhook_id).exists()


def _end(delivery: Delivery, *, reason: str, answer_status: int | None = None) -> None:
    _mine(delivery).update(status=Status.FAILED, reason=_kept(reason), answer_status=answer_status)


def _kept(reason: str) -> str:
    """A stranger's words as Postgres takes them: without NUL, and not without end."""
    return reason.replace("\0", "\N{REPLACEMENT CHARACTER}")[:1000]


def _mine(delivery: Delivery) -> "QuerySet[Delivery]":
    """The row as long as no later attempt has begun."""
    return Delivery.objects.filter(pk=delivery.pk, status=Status.WAITING, attempts=delivery.attempts)


def forget_old() -> int:
    """Delete messages that ended a month ago; returns how many."""
    ended = Delivery.objects.exclude(status=Status.WAITING)
    return ended.filter(created_at__lt=Now() - KEPT_FOR).delete()[0]
