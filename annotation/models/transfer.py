"""Imports and exports as runs of their own, asked for on pages and by programs."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from annotation.models.project import Project
from runs.models import Run


class Transfer(models.Model):
    """One-to-one with its run. The file lies in the run's folder: inputs/ of an import, output/ of an export."""

    class Direction(models.TextChoices):
        IMPORT = "import", "import"
        EXPORT = "export", "export"

    class Kind(models.TextChoices):
        PROMPTS = "prompts", "prompts"
        COMPLETIONS = "completions", "completions"
        DEMONSTRATIONS = "demonstrations", "demonstrations"
        RANKINGS = "rankings", "rankings"
        PAIRS = "pairs", "pairs"
        RATINGS = "ratings", "ratings"
        GOLD = "gold", "gold tasks"
        GOLD_RANKINGS = "gold_rankings", "rankings of gold tasks"
        REPEATS = "repeats", "rankings of repeats"
        ADJUDICATIONS = "adjudications", "adjudications"
        FLAGS = "flags", "flags"
        SKIPS = "skips", "skips"

    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="transfer")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="transfers")
    direction = models.CharField(max_length=6, choices=Direction.choices)
    kind = models.CharField(max_length=14, choices=Kind.choices)
    file = models.FileField(upload_to="transfers/", blank=True)
    file_name = models.CharField(max_length=200, blank=True)
    skip_bad = models.BooleanField(default=False)
    columns = models.JSONField(
        null=True,
        blank=True,
        help_text="Set where the file is of another tool: which of its columns is which of ours, where it was said",
    )
    split = models.CharField(max_length=10, blank=True)
    form = models.CharField(max_length=4, blank=True, help_text="Of the prompts that go out; empty for any")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="transfer_import_has_a_file",
                condition=Q(direction="export") | ~Q(file=""),
                violation_error_message="An import needs a file.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.direction} of {self.kind}"


class DatasetExport(models.Model):
    """A project's judgements as a data set: one-to-one with its run, in whose folder it lies."""

    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="dataset_export")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="dataset_exports")
    license = models.CharField(max_length=100, default="other")

    def __str__(self) -> str:
        return f"data set of {self.project}"
