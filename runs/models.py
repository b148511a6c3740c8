"""A run: one attempt at training, sampling, evaluating, importing or exporting; and what it made.

Runs are mutable, what they make are facts: only a Run has a status.
"""

from __future__ import annotations

import datetime
import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now


def _postmaster_start() -> Func:
    return Func(function="pg_postmaster_start_time", output_field=models.DateTimeField())


class RunQuerySet(models.QuerySet["Run"]):
    """Adjectives filter."""

    def active(self) -> RunQuerySet:
        """Queued or running."""
        return self.filter(status__in=Run.ACTIVE)

    def unsent(self, *, seconds: float) -> RunQuerySet:
        """Queued, and last sent to Celery longer ago than ``seconds``, or never."""
        old = Now() - datetime.timedelta(seconds=seconds)
        return self.filter(status=Run.Status.QUEUED).filter(Q(sent_at=None) | Q(sent_at__lt=old))

    def stale(self, *, seconds: float) -> RunQuerySet:
        """Running, but without a heartbeat for ``seconds`` in which the database took it: the worker is gone.

        A database that was away is no worker's fault: once it is back each has as long again.
        """
        old = Now() - datetime.timedelta(seconds=seconds)
        return self.alias(database_since=_postmaster_start()).filter(
            status=Run.Status.RUNNING, heartbeat_at__lt=old, database_since__lt=old
        )


class Run(models.Model):
    """One attempt. ``queued -> running -> succeeded | failed | cancelled``, by runs.lifecycle alone."""

    class Status(models.TextChoices):
        QUEUED = "queued", "queued"
        RUNNING = "running", "running"
        SUCCEEDED = "succeeded", "succeeded"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"

    ACTIVE: ClassVar = (Status.QUEUED, Status.RUNNING)

    class Queue(models.TextChoices):
        CPU = "cpu", "cpu"
        GPU = "gpu", "gpu"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=40)
    # Of a kind whose runs take differently long, which of them it is: the algorithm of a training.
    variant = models.CharField(max_length=40, blank=True, default="", db_default="")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    queue = models.CharField(max_length=3, choices=Queue.choices, default=Queue.CPU)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    sent_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # The lease: who works on it, under which number, and when they were last heard of.
    worker = models.CharField(max_length=200, blank=True)
    attempt = models.PositiveIntegerField(default=0)
    lost_workers = models.PositiveSmallIntegerField(default=0)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    # What its page shows.
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(default=0)
    doing = models.CharField(max_length=200, blank=True)
    expected_end = models.DateTimeField(null=True, blank=True)
    # Of its last attempt: {"device": "cpu" or a GPU's name, "processes": int, "torch": version}.
    computed_on = models.JSONField(null=True, blank=True)
    reason = models.TextField(blank=True)
    log_tail = models.TextField(blank=True)
    result = models.JSONField(default=dict, blank=True)
    # What people write beside it (runs.noting).
    note = models.TextField(blank=True, default="", db_default="")
    tags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    archived = models.BooleanField(default=False, db_default=False)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            # What the sweep and the index of the admin look for; ended runs are most of the table.
            models.Index(fields=["status"], name="run_active", condition=Q(status__in=["queued", "running"])),
        ]
        constraints = [
            models.CheckConstraint(
                name="run_running_has_a_lease",
                condition=~Q(status="running") | Q(heartbeat_at__isnull=False, started_at__isnull=False),
                violation_error_message="A running run has a worker's heartbeat and a start.",
            ),
            models.CheckConstraint(
                name="run_ended_has_a_finish",
                condition=Q(status__in=["queued", "running"], finished_at__isnull=True)
                | Q(status__in=["succeeded", "failed", "cancelled"], finished_at__isnull=False),
                violation_error_message="A run has a time of finish exactly when it has ended.",
            ),
            models.CheckConstraint(
                name="run_queued_is_not_cancelled",
                condition=~Q(status="queued") | Q(cancel_requested_at__isnull=True),
                violation_error_message="A queued run whose cancellation was asked for is cancelled.",
            ),
            models.CheckConstraint(
                name="run_done_at_most_total",
                condition=Q(done__lte=F("total")),
                violation_error_message="A run cannot have done more than its total.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} run {self.pk}"

    @property
    def day(self) -> str:
        """When it was asked for, YYYY-MM-DD: the same however often it goes on."""
        return self.created_at.date().isoformat()

    @property
    def is_active(self) -> bool:
        """Queued or running."""
        return self.status in self.ACTIVE

    def seconds_left(self, now: datetime.datetime) -> float | None:
        """Seconds until what it does now is done, at the rate so far; None while that is unknown."""
        if self.status != self.Status.RUNNING or self.expected_end is None or self.expected_end <= now:
            return None
        return (self.expected_end - now).total_seconds()


class RunMetric(models.Model):
    """One line of a run's metrics.jsonl, copied by its worker so that any web process can draw it."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="metrics")
    step = models.PositiveIntegerField()
    figures = models.JSONField()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["run", "step"], name="run_metric_by_step")]

    def __str__(self) -> str:
        return f"step {self.step} of run {self.run_id}"


class RunAnswer(models.Model):
    """One line of a run's watched.jsonl, copied as its metrics are: what it answers to a watched prompt after ``step``
    steps, 0 before the first; ``reward`` is None where it is not finite."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="answers")
    step = models.PositiveIntegerField()
    prompt_id = models.UUIDField()
    answer = models.TextField(blank=True)
    reward = models.FloatField(null=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["prompt_id"], name="run_answer_by_prompt")]

    def __str__(self) -> str:
        return f"answer after step {self.step} of run {self.run_id}"


class Artifact(models.Model):
    """A folder of files in the artifacts' storage, named by the digest of its content."""

    digest = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=40)
    # file name -> {"sha256": hex, "bytes": int}
    files = models.JSONField()
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="artifacts")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    # When its files were stored last: equal content may be stored again long after.
    stored_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.digest[:12]}"

    @property
    def total_bytes(self) -> int:
        """Size of all files, in bytes."""
        return sum(int(file["bytes"]) for file in self.files.values())


class Question(models.Model):
    """What the resident scorer is asked; whoever asked waits for the answer, and deletes the row."""

    kind = models.CharField(max_length=20)
    request = models.JSONField()
    # What the answerer of the kind makes of it; or why there is none.
    answer = models.JSONField(null=True)
    failure = models.TextField(blank=True, db_default="")
    asked_at = models.DateTimeField(db_default=Now(), editable=False)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], condition=Q(answered_at__isnull=True), name="question_waiting")
        ]

    def __str__(self) -> str:
        return f"question {self.pk}"
