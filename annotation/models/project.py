"""One behaviour wanted of a policy, and the people who work on it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now
from django.utils import timezone

from annotation.preferences.axes import default_axes
from annotation.preferences.tiers import LEAST_COMPLETIONS, MOST_COMPLETIONS

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MOST_ANNOTATORS = 50  # of one task
MOST_REVISE_HOURS = 87_600  # ten years


class ProjectQuerySet(models.QuerySet["Project"]):
    """Adjectives filter."""

    def researched_by(self, user: User | AnonymousUser) -> ProjectQuerySet:
        """Those whose runs and data ``user`` may see: an administrator all, a researcher theirs."""
        if not user.is_active or user.pk is None:
            return self.none()
        if getattr(user, "is_superuser", False):
            return self
        return self.filter(memberships__user=user.pk, memberships__role=Membership.Role.RESEARCHER)

    def annotated_by(self, user: User | AnonymousUser) -> ProjectQuerySet:
        """Those in which ``user`` may judge: any member, and administrators everywhere."""
        if not user.is_active or user.pk is None:
            return self.none()
        if getattr(user, "is_superuser", False):
            return self
        return self.filter(memberships__user=user.pk)


class Project(models.Model):
    """Guidelines, prompts, tasks and settings of collection."""

    class SplitBy(models.TextChoices):
        OPENING = "opening", "first user turn"
        PROMPT = "prompt", "whole prompt"

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    guidelines = models.TextField(
        blank=True, help_text="What makes one completion better than another. Markdown."
    )
    guideline_version = models.PositiveIntegerField(default=1, editable=False)
    completions_per_task = models.PositiveSmallIntegerField(
        default=4, validators=[MinValueValidator(LEAST_COMPLETIONS), MaxValueValidator(MOST_COMPLETIONS)]
    )
    annotators_per_task = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(MOST_ANNOTATORS)]
    )
    lease_seconds = models.PositiveIntegerField(
        default=1800,
        validators=[MinValueValidator(60)],
        help_text="How long a task stays with an annotator who does nothing, in seconds.",
    )
    revise_hours = models.PositiveIntegerField(
        default=24,
        db_default=24,
        validators=[MaxValueValidator(MOST_REVISE_HOURS)],
        help_text="How long annotators may change what they submitted, in hours; 0: never.",
    )
    # What an hour of annotators' active time costs; 0 where nobody counts it.
    hour_cost = models.DecimalField(
        max_digits=9,
        decimal_places=2,
        default=0,
        db_default=0,
        validators=[MinValueValidator(0)],
        help_text="Of an hour of active time.",
    )
    currency = models.CharField(
        max_length=3,
        default="USD",
        db_default="USD",
        validators=[RegexValidator(r"^[A-Z]{3}$", "A currency is three letters, as USD or EUR.")],
    )
    # How the kinds of judgement are asked for (annotation.collecting.asking changes them).
    rating_axes = models.JSONField(
        default=default_axes, help_text="The scales of a rating, in the form of preferences.axes.Axis."
    )
    ask_strength = models.BooleanField(
        default=False, help_text="Of two completions, ask how much better one is than the other."
    )
    review_demonstrations = models.BooleanField(
        default=False, help_text="A demonstration counts when a second person has accepted it."
    )
    demonstration_least_characters = models.PositiveIntegerField(default=1)
    split_by = models.CharField(
        max_length=7,
        choices=SplitBy.choices,
        default=SplitBy.OPENING,
        db_default=SplitBy.OPENING,
        editable=False,
        help_text="What decides which split a prompt is in (annotation.files.splitting).",
    )
    random_share = models.FloatField(
        default=0.0,
        db_default=0.0,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text="Share of tasks, 0 to 1, that are drawn at random instead of by priority, to evaluate on.",
    )
    # Rises when slots are added or change their order: bookmarks made before are void.
    queue_version = models.PositiveBigIntegerField(default=0, db_default=0, editable=False)
    # Quality control (annotation.checking.control); off by default.
    gold_every = models.PositiveSmallIntegerField(
        default=0, help_text="One task in so many is a gold task, drawn at random. 0: none."
    )
    repeat_every = models.PositiveSmallIntegerField(
        default=0,
        help_text="One task in so many is asked of the same person again, after at least so many others. 0: none.",
    )
    least_checks = models.PositiveSmallIntegerField(
        default=5,
        validators=[MinValueValidator(1)],
        help_text="How many gold tasks, or repeats, a figure needs before anybody is warned.",
    )
    least_gold_score = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text="Warn below this mean score on gold tasks: 1 is the expert's order, 0.5 is chance. Empty: never.",
    )
    least_consistency = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text="Warn below this mean agreement with oneself on repeats: 1 is the same order, 0.5 is chance.",
    )
    most_position_bias = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(0.5)],
        help_text="Warn where the 95% interval of how often the earlier shown wins lies wholly this far from 0.5.",
    )
    pauses = models.BooleanField(
        default=False,
        help_text="Whoever is still below after a warning is paused until a researcher resumes them.",
    )
    adjudicate_below = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text="Tasks whose annotators agree on less than this share of pairs are listed. Empty: none.",
    )
    adjudicated_wins = models.BooleanField(
        default=False,
        help_text="Snapshots hold a researcher's decision instead of the annotators' rankings of that task.",
    )
    is_demo = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["slug"]
        constraints = [
            models.CheckConstraint(
                name="project_ranks_2_to_9",
                condition=Q(
                    completions_per_task__gte=LEAST_COMPLETIONS, completions_per_task__lte=MOST_COMPLETIONS
                ),
                violation_error_message="A task ranks 2 to 9 completions.",
            ),
            models.CheckConstraint(
                name="project_someone_annotates",
                condition=Q(annotators_per_task__gte=1),
                violation_error_message="A task needs at least one annotator.",
            ),
            models.CheckConstraint(
                name="project_random_share_is_a_share",
                condition=Q(random_share__gte=0, random_share__lte=1),
                violation_error_message="The share drawn at random lies between 0 and 1.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def revisable_since(self) -> CombinedExpression:
        """For a query: what was submitted before that moment may no longer be changed."""
        return Now() - timedelta(hours=self.revise_hours)


class Membership(models.Model):
    """One person's role in one project."""

    class Role(models.TextChoices):
        ANNOTATOR = "annotator", "annotator"
        RESEARCHER = "researcher", "researcher"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "user"],
                name="membership_one_role_a_project",
                violation_error_message="A person has one role in a project.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.role} in {self.project_id}"


class Invitation(models.Model):
    """A link that makes its holder a member, once."""

    token_digest = models.CharField(max_length=64, unique=True)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=10, choices=Membership.Role.choices)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.email} as {self.role}"

    @property
    def has_expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at < timezone.now()


class GuidelineVersion(models.Model):
    """Guidelines as they were: judgements name the version they were made under."""

    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="guideline_versions", db_index=False
    )
    number = models.PositiveIntegerField()
    text = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "number"],
                name="guideline_version_once",
                violation_error_message="A version of a project's guidelines has one text.",
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.number}"


class Annotator(models.Model):
    """Who judged, by pseudonym: with an account, or imported without one."""

    class Standing(models.TextChoices):
        FINE = "fine", "fine"
        WARNED = "warned", "warned"
        PAUSED = "paused", "paused"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="annotators")
    pseudonym = models.CharField(max_length=200)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="annotators"
    )
    simulated = models.BooleanField(default=False)
    # Stands for whoever made a line that named nobody; the n-th such ranking of a task has the n-th of these.
    anonymous = models.BooleanField(default=False)
    # Moved by annotation.checking.standing alone, which keeps who did it, when and why.
    standing = models.CharField(max_length=6, choices=Standing.choices, default=Standing.FINE)
    # The version of the guidelines that they have said to have read; 0 is none.
    guidelines_read = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    # What they wrote is erased and the account let go; their ids stay.
    withdrawn_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "pseudonym"],
                name="annotator_pseudonym_once",
                violation_error_message="A pseudonym names one annotator of a project.",
            ),
            models.UniqueConstraint(
                fields=["project", "user"],
                condition=Q(user__isnull=False),
                name="annotator_account_once",
                violation_error_message="An account is one annotator of a project.",
            ),
            models.CheckConstraint(
                name="annotator_simulated_has_no_account",
                condition=Q(simulated=False) | Q(user__isnull=True),
                violation_error_message="A simulated annotator has no account.",
            ),
            models.CheckConstraint(
                name="annotator_withdrawn_has_no_account",
                condition=Q(withdrawn_at__isnull=True) | Q(user__isnull=True),
                violation_error_message="A withdrawn annotator has no account.",
            ),
        ]

    def __str__(self) -> str:
        return self.pseudonym


class StandingChange(models.Model):
    """One step of an annotator's standing: to what, who made it (nobody: the project's thresholds) and why."""

    annotator = models.ForeignKey(Annotator, on_delete=models.CASCADE, related_name="standing_changes")
    standing = models.CharField(max_length=6, choices=Annotator.Standing.choices)
    why = models.TextField()
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    # Their newest ranking then: figures start anew after it.
    last_ranking_id = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="standing_change_says_why",
                condition=~Q(why=""),
                violation_error_message="A change of standing says why.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.standing}: {self.why}"
