"""What a request comes in with: a browser's session; a program's token, its rate, and answers given again."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from annotation.models.project import Project


class Session(AbstractBaseSession):
    """A browser that somebody is logged in with, or one that has something to remember (annotation.sessions)."""

    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="sessions"
    )


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Adjectives filter."""

    def usable(self) -> ApiTokenQuerySet:
        """Neither revoked nor expired, of an account that is active."""
        return self.filter(revoked_at=None, user__is_active=True, expires_at__gt=Now())


class ApiToken(models.Model):
    """A program's way in: it may do what its user may, as far as its scopes go, in one project or in all of theirs.

    Only the secret's digest is stored; the secret is shown once, by annotation.tokens.
    """

    class Scope(models.TextChoices):
        READ = "read", "read: look at projects, data, runs and versions, and export"
        ANNOTATE = "annotate", "annotate: take tasks and judge them, as the account's annotator"
        WRITE = "write", "write: change settings, bring in prompts, tasks and files, and control quality"
        RUNS = "runs", "runs: start and cancel runs, and activate versions"
        ADMINISTER = (
            "administer",
            "administer: make projects, decide who is in one, take data back, manage webhooks",
        )

    SCOPES: ClassVar = tuple(Scope.values)

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    project = models.ForeignKey(
        Project, null=True, blank=True, on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True, help_text="sha256 of the secret")
    # The secret's first characters: enough to tell which token a program holds, too few to use it.
    hint = models.CharField(max_length=16)
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope.choices))
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="api_token_may_something",
                condition=Q(scopes__len__gte=1),
                violation_error_message="A token needs at least one scope.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"


class RequestRate(models.Model):
    """How far ahead of its even pace a caller is: one row each, which all web processes move (annotation.api.rate)."""

    caller = models.CharField(max_length=40, primary_key=True)
    # When the requests so far would have been due, had they come evenly.
    due_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.caller


class KeptAnswer(models.Model):
    """The answer to a POST with an Idempotency-Key, written in the transaction of what the request did."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    request_digest = models.CharField(max_length=64, help_text="sha256 of token, method, path and body")
    status = models.PositiveSmallIntegerField(default=0)
    # As it was sent: jsonb would put its fields in another order.
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "key"],
                name="kept_answer_once",
                violation_error_message="A key names one request of an account.",
            )
        ]
        indexes = [models.Index(fields=["created_at"], name="kept_answer_age")]

    def __str__(self) -> str:
        return self.key
