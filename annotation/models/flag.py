"""What somebody should look at: a task that an annotator flagged, or a text that names its model."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from annotation.models.project import Annotator, Project
from annotation.models.prompt import Completion, Prompt
from annotation.models.task import Task


class FlagQuerySet(models.QuerySet["Flag"]):
    """Adjectives filter."""

    def open(self) -> FlagQuerySet:
        """Not resolved yet."""
        return self.filter(resolved_at=None)


class Flag(models.Model):
    """One concern about a prompt: raised by an annotator at a task, or by the import at a completion."""

    class Category(models.TextChoices):
        HARMFUL = "harmful", "harmful"
        PRIVATE = "private", "private data"
        BROKEN = "broken", "broken prompt or texts"
        NAMES_MODEL = "names_model", "names its model"
        OTHER = "other", "something else"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="flags")
    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="flags")
    category = models.CharField(max_length=11, choices=Category.choices)
    words = models.TextField(blank=True)
    task = models.ForeignKey(Task, null=True, blank=True, on_delete=models.CASCADE, related_name="flags")
    annotator = models.ForeignKey(
        Annotator, null=True, blank=True, on_delete=models.CASCADE, related_name="flags"
    )
    completion = models.ForeignKey(
        Completion, null=True, blank=True, on_delete=models.CASCADE, related_name="flags"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    resolution = models.TextField(default="", db_default="", blank=True)

    objects = FlagQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["task", "annotator", "category"],
                condition=Q(resolved_at__isnull=True),
                name="flag_once_until_resolved",
                violation_error_message="An annotator has one open flag at a task for one reason.",
            ),
            models.CheckConstraint(
                name="flag_by_an_annotator_at_a_task",
                condition=Q(task__isnull=False, annotator__isnull=False, completion__isnull=True)
                | Q(task__isnull=True, annotator__isnull=True, completion__isnull=False),
                violation_error_message="An annotator flags a task, and the import flags a completion.",
            ),
            models.CheckConstraint(
                name="flag_resolved_says_how",
                condition=Q(resolved_at__isnull=True, resolution="")
                | (Q(resolved_at__isnull=False) & ~Q(resolution="")),
                violation_error_message="A flag has a resolution exactly when it is resolved.",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "-id"], name="flag_open", condition=Q(resolved_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.get_category_display()}: {self.words}"
