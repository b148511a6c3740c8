"""An immutable, hashed set of judgements that a run trains on."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from annotation.models.project import Project
from runs.models import Artifact


class Snapshot(models.Model):
    """Its file is an artifact; the digest is that of the file snapshot.jsonl."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="snapshots")
    digest = models.CharField(max_length=64)
    artifact = models.ForeignKey(Artifact, on_delete=models.PROTECT, related_name="snapshots")
    rankings = models.PositiveIntegerField()
    comparisons = models.PositiveIntegerField()
    simulated = models.PositiveIntegerField(
        default=0, help_text="How many of its rankings are by simulated annotators"
    )
    last_ranking_id = models.BigIntegerField(help_text="The newest ranking in it")
    reproducible = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "digest"],
                name="snapshot_once",
                violation_error_message="Equal judgements are one snapshot.",
            )
        ]

    def __str__(self) -> str:
        return self.digest[:12]
