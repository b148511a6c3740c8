"""The rows of stage 2: a project's settings, a fit, the version it made."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from annotation.models import Project, Snapshot
from runs.models import Artifact, Run


class RewardModelSettings(models.Model):
    """What fits of a project use unless a fit says otherwise."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="reward_model_settings")
    base = models.CharField(
        max_length=300,
        blank=True,
        help_text="Hub name or folder of the backbone. Empty: the current policy's trunk, else one from scratch.",
    )
    config = models.JSONField(
        default=dict,
        blank=True,
        help_text="Fields of FitConfig that differ from their defaults (docs/algorithms.md).",
    )

    def __str__(self) -> str:
        return f"reward model settings of {self.project_id}"


class Fit(models.Model):
    """One attempt at fitting: one-to-one with its run."""

    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="fit")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="fits")
    base = models.CharField(max_length=300, blank=True)
    base_artifact = models.ForeignKey(
        Artifact, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    config = models.JSONField(default=dict, blank=True)
    # Made when the run is prepared, so that a fit trains on what was judged when it began.
    snapshot = models.ForeignKey(
        Snapshot, null=True, blank=True, on_delete=models.PROTECT, related_name="fits"
    )

    def __str__(self) -> str:
        return f"fit {self.pk}"


class RewardModelVersion(models.Model):
    """A fitted reward model. A fact: only ``is_active`` moves, through rewardmodel.activation."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="reward_model_versions")
    number = models.PositiveIntegerField()
    fit = models.OneToOneField(Fit, on_delete=models.PROTECT, related_name="version")
    artifact = models.ForeignKey(Artifact, on_delete=models.PROTECT, related_name="+")
    report = models.JSONField()
    is_active = models.BooleanField(default=False)
    activation = models.TextField(blank=True, help_text="Why it was activated, or why not")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "number"],
                name="reward_model_number_once",
                violation_error_message="Reward model versions of a project are numbered.",
            ),
            models.UniqueConstraint(
                fields=["project"],
                condition=Q(is_active=True),
                name="reward_model_one_active",
                violation_error_message="One reward model version of a project is active.",
            ),
        ]

    def __str__(self) -> str:
        return f"reward model v{self.number}"
