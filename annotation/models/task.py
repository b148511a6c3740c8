"""A task, its completions, its slots and the leases on them."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from annotation.models.project import Annotator, Project
from annotation.models.prompt import Completion, Prompt


class TaskQuerySet(models.QuerySet["Task"]):
    """Adjectives filter."""

    def collected(self) -> TaskQuerySet:
        """Asked in order to learn what people prefer, of prompts that nobody withdrew: not gold, no repeat."""
        return self.filter(purpose=Task.Purpose.COLLECT, prompt__withdrawn_at=None)

    def gold(self) -> TaskQuerySet:
        """With an expert's order that annotators are measured by."""
        return self.filter(purpose=Task.Purpose.GOLD, prompt__withdrawn_at=None)


class Task(models.Model):
    """K completions of one prompt to be ranked by N annotators.

    Gold tasks and repeats measure whoever ranks them (annotation.control). They have no slots: everybody may get
    each of them once, which the assignments hold.
    """

    class Purpose(models.TextChoices):
        COLLECT = "collect", "collect"
        GOLD = "gold", "gold"
        REPEAT = "repeat", "repeat"
        ADJUDICATION = "adjudication", "adjudication"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="tasks")
    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="tasks")
    key = models.CharField(
        max_length=200, help_text="An import's name of the task, or the digest of what it ranks"
    )
    priority = models.IntegerField(default=0)
    # The import writes rows by COPY, which leaves a default to the database.
    purpose = models.CharField(
        max_length=12, choices=Purpose.choices, default=Purpose.COLLECT, db_default=Purpose.COLLECT
    )
    gold_tiers = ArrayField(models.PositiveSmallIntegerField(), null=True, blank=True)
    # The task that a repeat or an adjudication asks again: the same completions at the same places.
    repeats = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="repeated_as"
    )
    external_id = models.CharField(max_length=200, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = TaskQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "key"],
                name="task_key_once",
                violation_error_message="A task's key names one task of a project.",
            ),
            models.CheckConstraint(
                name="task_gold_has_an_order",
                condition=Q(purpose="gold", gold_tiers__isnull=False, gold_tiers__len__gte=2)
                | (~Q(purpose="gold") & Q(gold_tiers__isnull=True)),
                violation_error_message="A task has an expert's order exactly when it is gold.",
            ),
            models.CheckConstraint(
                name="task_repeat_has_a_first",
                condition=Q(purpose__in=["repeat", "adjudication"], repeats__isnull=False)
                | Q(purpose__in=["collect", "gold"], repeats__isnull=True),
                violation_error_message="A repeat or an adjudication, and nothing else, asks another task again.",
            ),
            models.UniqueConstraint(
                fields=["repeats", "purpose"],
                name="task_repeated_once",
                violation_error_message="A task has one repeat and one adjudication, whoever they are asked of.",
            ),
        ]
        indexes = [
            models.Index(fields=["project"], condition=Q(purpose="gold"), name="task_gold"),
        ]

    def __str__(self) -> str:
        return f"task {self.pk}"

    @property
    def is_check(self) -> bool:
        """Gold or a repeat: it measures whoever ranks it."""
        return self.purpose in {self.Purpose.GOLD, self.Purpose.REPEAT}


class TaskCompletion(models.Model):
    """One of a task's completions, at its place in the task (not the place in which anybody sees it)."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="entries")
    completion = models.ForeignKey(Completion, on_delete=models.CASCADE, related_name="entries")
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["task", "position"],
                name="entry_position_once",
                violation_error_message="Each place of a task holds one completion.",
            ),
            models.UniqueConstraint(
                fields=["task", "completion"],
                name="entry_completion_once",
                violation_error_message="A task ranks a completion once.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position} of task {self.task_id}"


class Slot(models.Model):
    """One of a task's N places for an annotator: free, or held.

    A claim takes one free slot under SKIP LOCKED through the partial index, so it stays flat however
    many tasks are done, and N rows can never hold more than N annotators.
    """

    # Two of the task's columns stand here again, because the claim must not join.
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    priority = models.IntegerField(default=0)
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="slots")
    number = models.PositiveSmallIntegerField()
    annotator = models.ForeignKey(
        Annotator, null=True, blank=True, on_delete=models.CASCADE, related_name="slots"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["task", "number"],
                name="slot_number_once",
                violation_error_message="A task's slots are numbered.",
            ),
            models.UniqueConstraint(
                fields=["task", "annotator"],
                condition=Q(annotator__isnull=False),
                name="slot_annotator_once_a_task",
                violation_error_message="Nobody holds two slots of a task.",
            ),
        ]
        indexes = [
            models.Index(
                fields=["project", "-priority", "task", "number"],
                condition=Q(annotator__isnull=True),
                name="slot_free",
            )
        ]

    def __str__(self) -> str:
        return f"slot {self.number} of task {self.task_id}"


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    """Adjectives filter."""

    def open(self) -> AssignmentQuerySet:
        """Held now, expired or not."""
        return self.filter(status=Assignment.Status.OPEN)

    def overdue(self) -> AssignmentQuerySet:
        """Open past their lease."""
        return self.open().filter(expires_at__lt=Now())


class Assignment(models.Model):
    """One annotator's lease on one task. Moved by annotation.queue and annotation.ranking alone."""

    class Status(models.TextChoices):
        OPEN = "open", "open"
        SUBMITTED = "submitted", "submitted"
        SKIPPED = "skipped", "skipped"
        RELEASED = "released", "released"
        EXPIRED = "expired", "expired"

    # Whoever has one of these of a task does not get the task again.
    HOLDING: ClassVar = (Status.OPEN, Status.SUBMITTED, Status.SKIPPED)

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="assignments")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="assignments")
    annotator = models.ForeignKey(Annotator, on_delete=models.CASCADE, related_name="assignments")
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.OPEN)
    opened_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    # order_shown[i] is the place in the task of the completion shown i-th.
    order_shown = ArrayField(models.PositiveSmallIntegerField())
    draft = models.JSONField(default=dict, blank=True)
    reason = models.TextField(blank=True)
    # Held for later, while the annotator still works on another (annotation.queue says why).
    ahead = models.BooleanField(default=False, db_default=False, editable=False)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "annotator", "ahead"],
                condition=Q(status="open"),
                name="assignment_one_open",
                violation_error_message="An annotator has one open task of a project at a time, and one ahead.",
            ),
            models.UniqueConstraint(
                fields=["task", "annotator"],
                condition=Q(status__in=["open", "submitted", "skipped"]),
                name="assignment_once_a_task",
                violation_error_message="Nobody gets a task again that they hold, submitted or skipped.",
            ),
            models.CheckConstraint(
                name="assignment_closed_has_a_time",
                condition=Q(status="open", closed_at__isnull=True)
                | (~Q(status="open") & Q(closed_at__isnull=False)),
                violation_error_message="An assignment has a time of closing exactly when it is closed.",
            ),
        ]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(status="open"), name="assignment_lease"),
        ]

    def __str__(self) -> str:
        return f"assignment {self.pk}"
