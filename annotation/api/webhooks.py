"""Webhooks: who is told of finished tasks and ended runs, and what became of each message."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import AdministeringEndpoint, bodiless, by_public_id
from annotation.api.filters import Filter
from annotation.api.preconditions import require_unchanged, tagged
from annotation.models import Delivery, Webhook
from annotation.webhooks import subscribing
from runs.writing import write


class WebhookSerializer(serializers.ModelSerializer[Webhook]):
    """An address that hears of events. Its secret is in the answer that makes it, and nowhere else."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=Webhook.Event.choices), read_only=True
    )

    class Meta:
        model = Webhook
        fields = ("id", "url", "events", "active", "created_at")
        read_only_fields = fields


class WithSecretSerializer(WebhookSerializer):
    """The same with the secret that signs messages, which nothing shows again."""

    secret = serializers.CharField(read_only=True)

    class Meta(WebhookSerializer.Meta):
        fields = (*WebhookSerializer.Meta.fields, "secret")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]


class NewWebhookSerializer(serializers.Serializer[Any]):
    """A webhook to be made."""

    url = serializers.CharField(max_length=500, help_text="https://, of a public address")
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=Webhook.Event.choices),
        min_length=1,
        help_text="What it hears of",
    )


class WebhookChangesSerializer(serializers.Serializer[Any]):
    """What is to change; the rest stays."""

    url = serializers.CharField(
        max_length=500,
        required=False,
        help_text="https://, of a public address",
    )
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=Webhook.Event.choices),
        min_length=1,
        required=False,
        help_text="What it hears of from now on, all of it",
    )
    active = serializers.BooleanField(required=False, help_text="false pauses it")


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    """One message; its id is the header webhook-id of every attempt."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    webhook = serializers.UUIDField(source="webhook.public_id", read_only=True)

    class Meta:
        model = Delivery
        fields = (
            "id",
            "webhook",
            "event",
            "status",
            "attempts",
            "next_attempt_at",
            "answer_status",
            "reason",
            "created_at",
            "delivered_at",
        )
        read_only_fields = fields


class Webhooks(ListAPIView[Webhook], AdministeringEndpoint):
    """The project's webhooks."""

    tag = "Webhooks"
    serializer_class = WebhookSerializer

    def get_queryset(self) -> "QuerySet[Webhook]":
        return self.of_project(Webhook.objects.all())

    @extend_schema(request=NewWebhookSerializer, responses={201: WithSecretSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Make a webhook; the answer alone holds its secret."""
        fields = self.requested(NewWebhookSerializer)
        with _named_address():
            hook, _ = subscribing.create(project=self.project, **fields)
        return Response(WithSecretSerializer(hook).data, status=status.HTTP_201_CREATED)


class WebhookEndpoint(AdministeringEndpoint):
    """One webhook."""

    tag = "Webhooks"
    serializer_class = WebhookSerializer

    def hook(self, public_id: UUID, *, locked: bool = False) -> Webhook:
        """The project's webhook with this id; Http404."""
        rows = self.of_project(Webhook.objects.all())
        hook: Webhook = by_public_id(rows.select_for_update(no_key=True) if locked else rows, public_id)
        return hook


class OneWebhook(WebhookEndpoint):
    """One webhook."""

    conditional = True

    def get(self, request: Request, slug: str, id: UUID) -> Response:
        """Where it leads and what it hears of."""
        return tagged(self.get_serializer(self.hook(id)).data)

    @extend_schema(request=WebhookChangesSerializer, responses=WebhookSerializer)
    @write
    def patch(self, request: Request, slug: str, id: UUID) -> Response:
        """Change its address or events, pause it or let it hear again."""
        hook = self.hook(id, locked=True)
        require_unchanged(request, self.get_serializer(hook).data)
        changes = self.requested(WebhookChangesSerializer)
        with _named_address():
            subscribing.change(webhook=hook, **changes)
        return tagged(self.get_serializer(hook).data)

    @bodiless(responses={204: None})
    def delete(self, request: Request, slug: str, id: UUID) -> Response:
        """Delete the webhook; messages that wait are dropped."""
        subscribing.delete(webhook=self.hook(id))
        return Response(status=status.HTTP_204_NO_CONTENT)


@contextmanager
def _named_address() -> Iterator[None]:
    """What is wrong with an address is said of the field. Raises ValidationError."""
    try:
        yield
    except subscribing.BadAddress as error:
        raise serializers.ValidationError({"url": [str(error)]}) from error


class RotateSecret(WebhookEndpoint):
    """A webhook's secret."""

    serializer_class = WithSecretSerializer

    @bodiless(responses=WithSecretSerializer)
    def post(self, request: Request, slug: str, id: UUID) -> Response:
        """Make a new secret; the answer alone holds it, and it signs what waits too."""
        hook = self.hook(id)
        subscribing.rotate_secret(webhook=hook)
        return Response(self.get_serializer(hook).data)


class SendTest(WebhookEndpoint):
    """A message without an event."""

    @bodiless(responses={202: WebhookSerializer})
    def post(self, request: Request, slug: str, id: UUID) -> Response:
        """Send a message of type "test"."""
        hook = self.hook(id)
        subscribing.send_test(webhook=hook)
        return Response(self.get_serializer(hook).data, status=status.HTTP_202_ACCEPTED)


class Deliveries(ListAPIView[Delivery], AdministeringEndpoint):
    """What was sent, or is on its way."""

    tag = "Webhooks"
    serializer_class = DeliverySerializer
    filters = {
        "webhook": Filter("webhook__public_id", "To this webhook", type=UUID),
        "status": Filter("status", "With this status", tuple(Delivery.Status.values)),
    }

    def get_queryset(self) -> "QuerySet[Delivery]":
        rows = Delivery.objects.select_related("webhook")
        return rows.filter(webhook__project=self.project) if hasattr(self, "project") else rows.none()


class SendAgain(AdministeringEndpoint):
    """A message that failed."""

    tag = "Webhooks"
    serializer_class = DeliverySerializer

    @bodiless(responses={202: DeliverySerializer})
    def post(self, request: Request, slug: str, id: UUID) -> Response:
        """Try a failed message again from the start."""
        rows = Delivery.objects.filter(webhook__project=self.project).select_related("webhook")
        delivery: Delivery = by_public_id(rows, id)
        subscribing.send_again(delivery=delivery)
        delivery.refresh_from_db()
        return Response(self.get_serializer(delivery).data, status=status.HTTP_202_ACCEPTED)
