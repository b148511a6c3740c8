"""Who is told what happens in a project, and each telling."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from annotation.models.project import Project


class WebhookQuerySet(models.QuerySet["Webhook"]):
    """Adjectives filter."""

    def hearing(self, event: str) -> WebhookQuerySet:
        """Active, and told of this event."""
        return self.filter(active=True, events__contains=[event])


class Webhook(models.Model):
    """An address that hears of a project's events, signed with the secret that both sides hold."""

    class Event(models.TextChoices):
        TASK_COMPLETED = "task.completed", "a task's last annotator submitted"
        PROJECT_COMPLETED = "project.completed", "the last task that was open has all its judgements"
        RUN_ENDED = "run.ended", "a run succeeded, failed or was cancelled"
        VERSION_PROPOSED = "version.proposed", "there is a new reward model or policy, in use or waiting"

    # What is sent on request alone.
    TEST: ClassVar = "test"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="webhooks")
    url = models.URLField(max_length=500)
    # Signing needs the secret itself, so it cannot be kept as a digest; no page and no API shows it again.
    secret = models.CharField(max_length=100)
    events = ArrayField(models.CharField(max_length=20, choices=Event.choices))
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = WebhookQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                name="webhook_hears_something",
                condition=Q(events__len__gte=1),
                violation_error_message="A webhook needs at least one event.",
            ),
        ]

    def __str__(self) -> str:
        return self.url


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Adjectives filter."""

    def due(self) -> DeliveryQuerySet:
        """Waiting, and its time has come; of a webhook that is paused nothing is sent."""
        return self.filter(status=Delivery.Status.WAITING, next_attempt_at__lte=Now(), webhook__active=True)


class Delivery(models.Model):
    """One event on its way to one webhook: written with what happened, sent after the commit, at least once."""

    class Status(models.TextChoices):
        WAITING = "waiting", "waiting"
        DELIVERED = "delivered", "delivered"
        FAILED = "failed", "failed"

    # The message's id: the same at every attempt, so that the receiver can tell a repetition.
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=20)
    body = models.TextField()
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(db_default=Now())
    answer_status = models.PositiveSmallIntegerField(null=True, blank=True)
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    delivered_at = models.DateTimeField(null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="delivery_delivered_has_a_time",
                condition=Q(status="delivered", delivered_at__isnull=False)
                | (~Q(status="delivered") & Q(delivered_at__isnull=True)),
                violation_error_message="A delivery has a time exactly when it is delivered.",
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=Q(status="waiting"), name="delivery_waiting"),
            models.Index(fields=["webhook", "-id"], name="delivery_of_webhook"),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.webhook_id}"
