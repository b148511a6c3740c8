"""The rows of stage 2: a project's settings, a fit, the version it made, and looks at what versions are worth."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from annotation.models import Completion, Project, Snapshot
from rewardmodel.proposals import LEAST_PROMPTS, Proposal
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

    # Fits that nobody has to ask for (rewardmodel.retraining).
    retrain_rankings = models.PositiveIntegerField(
        default=0, help_text="Fit again after so many new rankings. 0: not by their number."
    )
    retrain_hours = models.PositiveIntegerField(
        default=0,
        help_text="Fit again after so many hours, where there is a new ranking. 0: not by the clock.",
    )
    choose_next = models.BooleanField(
        default=False,
        help_text="Whenever a fit's version goes live, ask first what it is unsure of (rewardmodel.choosing).",
    )
    retrain_warm = models.BooleanField(
        default=False, help_text="Go on from the active version, its head included, instead of from the base."
    )

    # Whether a new version goes live by itself (rewardmodel.activation).
    activates = models.BooleanField(
        default=True,
        help_text="A new version goes live by itself where a comparison on the same held-out prompts shows it better. "
        "Otherwise all wait for a person.",
    )
    activation_prompts = models.PositiveIntegerField(
        default=LEAST_PROMPTS,
        help_text="With fewer held-out prompts nothing is said of a difference, and the version waits.",
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
    why = models.CharField(max_length=200, blank=True, default="", help_text="Empty: somebody asked for it")
    # Made when the run is prepared, so that a fit trains on what was judged when it began.
    snapshot = models.ForeignKey(
        Snapshot, null=True, blank=True, on_delete=models.PROTECT, related_name="fits"
    )

    # The version that was active when the run was prepared: the report compares with this one, and with no other.
    incumbent = models.ForeignKey(
        "RewardModelVersion", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
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
    proposal = models.CharField(max_length=12, choices=Proposal.choices, blank=True)
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


class Choosing(models.Model):
    """One look of a version at the open tasks: one-to-one with its run."""

    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="choosing")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="choosings")
    version = models.ForeignKey(RewardModelVersion, on_delete=models.PROTECT, related_name="choosings")

    def __str__(self) -> str:
        return f"choosing {self.pk}"


class Rewarding(models.Model):
    """One scoring of the completions that a version has not scored: one-to-one with its run."""

    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="rewarding")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="rewardings")
    version = models.ForeignKey(RewardModelVersion, on_delete=models.PROTECT, related_name="rewardings")
    stored = models.BigIntegerField(default=0, help_text="Bytes of the child's scores that are rows already")

    def __str__(self) -> str:
        return f"rewarding {self.pk}"


class Reward(models.Model):
    """What a version gives a completion, normalised (R9). Stored by rewardmodel.rewards."""

    # Both are found by the indexes below.
    version = models.ForeignKey(
        RewardModelVersion, on_delete=models.CASCADE, related_name="rewards", db_index=False
    )
    completion = models.ForeignKey(
        Completion, on_delete=models.CASCADE, related_name="rewards", db_index=False
    )
    value = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["completion", "version"],
                name="reward_once_a_version",
                violation_error_message="A version gives a completion one reward.",
            )
        ]
        indexes = [models.Index(fields=["version", "value"], name="reward_by_value")]

    def __str__(self) -> str:
        return f"{self.value:.3f}"


class Contest(models.Model):
    """Several versions on one held-out set: one-to-one with its run. The report holds ids, and no text."""

    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="contest")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="contests")
    versions = models.ManyToManyField(RewardModelVersion, related_name="contests")
    # The others are compared with it.
    reference = models.ForeignKey(RewardModelVersion, on_delete=models.PROTECT, related_name="+")
    snapshot = models.ForeignKey(
        Snapshot, null=True, blank=True, on_delete=models.PROTECT, related_name="contests"
    )
    report = models.JSONField(default=dict, blank=True)

    def __str__(self) -> str:
        return f"contest {self.pk}"


class RewardModelExport(models.Model):
    """A version handed over: one-to-one with its run, in whose folder it lies."""

    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="reward_model_export")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="reward_model_exports")
    version = models.ForeignKey(RewardModelVersion, on_delete=models.PROTECT, related_name="exports")
    adapter = models.BooleanField(default=False)
    license = models.CharField(max_length=100, default="other")

    def __str__(self) -> str:
        return f"export of {self.version}"
