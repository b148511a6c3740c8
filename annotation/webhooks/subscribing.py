"""Webhooks made, paused, given a new secret, tried and deleted. A secret is returned once and never shown again."""

from collections.abc import Sequence

from django.conf import settings
from django.db.models.functions import Now

from annotation.errors import BadRequest
from annotation.models import Delivery, Project, Webhook
from annotation.webhooks import connecting, signing
from annotation.webhooks.telling import tell
from runs.writing import write

MOST_WEBHOOKS = 20


class BadAddress(BadRequest):
    """No message could be sent there, or none may."""


@write
def create(*, project: Project, url: str, events: Sequence[str]) -> tuple[Webhook, str]:
    """A webhook and its secret. Raises BadRequest, of its address BadAddress."""
    _check_events(events)
    _check_address(url)
    Project.objects.select_for_update(of=("self",), no_key=True).get(pk=project.pk)
    if Webhook.objects.filter(project=project).count() >= MOST_WEBHOOKS:
        raise BadRequest(f"A project has at most {MOST_WEBHOOKS} webhooks: delete one first.")
    secret = signing.new_secret()
    hook = Webhook.objects.create(project=project, url=url, events=_ordered(events), secret=secret)
    return hook, secret


@write
def change(
    *,
    webhook: Webhook,
    url: str | None = None,
    events: Sequence[str] | None = None,
    active: bool | None = None,
) -> None:
    """Another address or other events, or a pause: of what happens in it nothing is sent. What is None stays as it is
    at this moment, whatever ``webhook`` was when it was read: one that leads where no message goes (any more) can be
    paused. Raises BadRequest, of its address BadAddress."""
    if events is not None:
        _check_events(events)
    if url is not None:
        _check_address(url)
    webhook.refresh_from_db(from_queryset=Webhook.objects.select_for_update(no_key=True))
    webhook.url = webhook.url if url is None else url
    webhook.events = webhook.events if events is None else _ordered(events)
    webhook.active = webhook.active if active is None else active
    webhook.save(update_fields=["url", "events", "active"])


def rotate_secret(*, webhook: Webhook) -> str:
    """A new secret from now on, what waits included."""
    webhook.secret = signing.new_secret()
    webhook.save(update_fields=["secret"])
    return webhook.secret


def delete(*, webhook: Webhook) -> None:
    """No more messages; what waits is dropped."""
    webhook.delete()


@write
def send_test(*, webhook: Webhook) -> None:
    """A message of type "test", whatever the webhook hears of."""
    tell(project_id=webhook.project_id, event=Webhook.TEST, data={}, only=webhook)


def send_again(*, delivery: Delivery) -> None:
    """Try a failed delivery again from the start. Raises BadRequest for one that has not failed."""
    failed = Delivery.objects.filter(pk=delivery.pk, status=Delivery.Status.FAILED)
    if not failed.update(status=Delivery.Status.WAITING, attempts=0, next_attempt_at=Now(), reason=""):
        raise BadRequest("Only a message that has failed can be sent again.")


def _check_events(events: Sequence[str]) -> None:
    unknown = sorted(set(events) - set(Webhook.Event.values))
    if unknown or not events:
        raise BadRequest(f"The events of a webhook are some of {', '.join(Webhook.Event.values)}.")


def _check_address(url: str) -> None:
    try:
        connecting.check_form(url, private=settings.WEBHOOKS_PRIVATE)
    except connecting.Refused as error:
        raise BadAddress(str(error)) from error


def _ordered(events: Sequence[str]) -> list[str]:
    return [event for event in Webhook.Event.values if event in events]
