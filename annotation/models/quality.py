"""What quality statistics are read from: totals, what each task adds to them, and which tasks changed."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from annotation.models.project import Annotator, Project
from annotation.models.task import Task
from annotation.preferences.tally import Total


class Tally(models.Model):
    """One total of preferences.tally: of everybody, of one annotator, or of two; in all, or in one week."""

    class Kind(models.TextChoices):
        AGREEMENT = "agreement", "agreement"
        PAIR = "pair", "agreement of two"
        HABITS = "habits", "habits"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="tallies")
    kind = models.CharField(max_length=9, choices=Kind.choices)
    annotator = models.ForeignKey(
        Annotator, null=True, blank=True, on_delete=models.CASCADE, related_name="tallies"
    )
    other = models.ForeignKey(Annotator, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    week = models.CharField(max_length=8, blank=True, help_text="ISO week, 2026-W48; empty for all")
    tasks = models.IntegerField()
    sums = ArrayField(models.FloatField())
    products = ArrayField(models.FloatField())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "kind", "annotator", "other", "week"],
                nulls_distinct=False,
                name="tally_once",
                violation_error_message="A scope has one total.",
            ),
            models.CheckConstraint(
                name="tally_of_two_exactly_when_pair",
                condition=Q(kind="pair", annotator__isnull=False, other__isnull=False)
                | (~Q(kind="pair") & Q(other__isnull=True)),
                violation_error_message="A tally is of two annotators exactly when its kind is pair.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of project {self.project_id}"

    @property
    def total(self) -> Total:
        """To estimate from."""
        return Total(self.kind, self.tasks, self.sums, self.products)


class TaskTally(models.Model):
    """What a task has added to the totals: [kind, annotator, other, week, vector] of each scope."""

    task = models.OneToOneField(Task, primary_key=True, on_delete=models.CASCADE, related_name="tally")
    added = models.JSONField()

    def __str__(self) -> str:
        return f"tally of task {self.task_id}"


class StaleTask(models.Model):
    """A task whose rankings changed since it was counted. Written in the transaction of the change.

    Not unique: a change beside a count in progress must not wait for it.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["project", "id"], name="stale_task_of_project")]

    def __str__(self) -> str:
        return f"stale task {self.task_id}"
