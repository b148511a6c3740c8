"""The rows of stage 3: policy versions, and the runs that train, sample and evaluate them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from annotation.models import Completion, Project, Source
from rewardmodel.models import RewardModelVersion
from rewardmodel.proposals import LEAST_PROMPTS, Proposal
from runs.models import Artifact, Run


class PolicySettings(models.Model):
    """What trainings and samplings of a project use unless one says otherwise."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="policy_settings")
    sft = models.JSONField(
        default=dict, blank=True, help_text="Fields of SftConfig that differ from their defaults."
    )
    ppo = models.JSONField(
        default=dict, blank=True, help_text="Fields of PpoConfig that differ from their defaults."
    )
    sampling = models.JSONField(
        default=dict, blank=True, help_text="Fields of SampleConfig that differ from their defaults."
    )

    # Whether a new version becomes current by itself (rltrainer.succession).
    succeeds = models.BooleanField(
        default=True,
        help_text="A new policy becomes the current one by itself where a comparison on the same held-out prompts "
        "shows it better. Otherwise all wait for a person.",
    )
    succession_prompts = models.PositiveIntegerField(
        default=LEAST_PROMPTS,
        help_text="With fewer held-out prompts nothing is said of a difference, and the policy waits.",
    )

    def __str__(self) -> str:
        return f"policy settings of {self.project_id}"


class Training(models.Model):
    """One attempt at making a policy: one-to-one with its run."""

    class Algorithm(models.TextChoices):
        SFT = "sft", "SFT"
        PPO = "ppo", "PPO"
        REINFORCE = "reinforce", "REINFORCE"

    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="training")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="trainings")
    algorithm = models.CharField(max_length=9, choices=Algorithm.choices)
    config = models.JSONField(default=dict, blank=True)
    # SFT may start from scratch; a policy gradient starts from a policy and follows a reward model.
    start = models.ForeignKey(
        "PolicyVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="trainings"
    )
    reward_model = models.ForeignKey(
        RewardModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="trainings"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="training_gradient_has_start_and_reward",
                condition=Q(algorithm="sft") | Q(start__isnull=False, reward_model__isnull=False),
                violation_error_message="PPO and REINFORCE need a policy to start from and a reward model.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_algorithm_display()} training {self.pk}"


class PolicyVersion(models.Model):
    """A policy that can be sampled: a base by name, or what a training made."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="policy_versions")
    number = models.PositiveIntegerField()
    source = models.OneToOneField(Source, on_delete=models.PROTECT, related_name="policy_version")
    base = models.CharField(
        max_length=300, blank=True, help_text="Hub name or folder, of a base without an artifact"
    )
    artifact = models.ForeignKey(Artifact, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    training = models.OneToOneField(
        Training, null=True, blank=True, on_delete=models.PROTECT, related_name="version"
    )
    report = models.JSONField(default=dict, blank=True)
    is_current = models.BooleanField(default=False)
    proposal = models.CharField(max_length=12, choices=Proposal.choices, blank=True)
    why = models.TextField(blank=True, help_text="Why it became the current one, or why not")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "number"],
                name="policy_number_once",
                violation_error_message="Policy versions of a project are numbered.",
            ),
            models.UniqueConstraint(
                fields=["project"],
                condition=Q(is_current=True),
                name="policy_one_current",
                violation_error_message="One policy version of a project is current.",
            ),
            models.CheckConstraint(
                name="policy_is_somewhere",
                condition=Q(artifact__isnull=False) | ~Q(base=""),
                violation_error_message="A policy version is an artifact, a hub name or a folder.",
            ),
        ]

    def __str__(self) -> str:
        return f"policy v{self.number}"


class Registration(models.Model):
    """One attempt at taking in a policy from elsewhere: one-to-one with its run."""

    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="registration")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="registrations")
    base = models.CharField(max_length=300)
    current = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"registration {self.pk}"


class Sampling(models.Model):
    """One attempt at sampling a policy into completions and tasks: one-to-one with its run."""

    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="sampling")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="samplings")
    policy = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="samplings")
    prompts = models.PositiveIntegerField()
    config = models.JSONField(default=dict, blank=True)
    completions = models.ManyToManyField(Completion, related_name="samplings", blank=True)

    def __str__(self) -> str:
        return f"sampling {self.pk}"


class Evaluation(models.Model):
    """One attempt at comparing policies on the same held-out prompts: one-to-one with its run."""

    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="evaluation")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="evaluations")
    policies = models.ManyToManyField(PolicyVersion, related_name="evaluations")
    reward_model = models.ForeignKey(
        RewardModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="evaluations"
    )
    config = models.JSONField(default=dict, blank=True)
    report = models.JSONField(default=dict, blank=True)

    def __str__(self) -> str:
        return f"evaluation {self.pk}"


class PolicyExport(models.Model):
    """A version handed over: one-to-one with its run, in whose folder it lies."""

    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="policy_export")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="policy_exports")
    version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="exports")
    adapter = models.BooleanField(default=False)
    license = models.CharField(max_length=100, default="other")

    def __str__(self) -> str:
        return f"export of {self.version}"
