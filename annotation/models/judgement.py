"""What people said: rankings and the comparisons that follow, ratings, demonstrations."""

from __future__ import annotations

import uuid
from typing import NamedTuple

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Count, F, Q
from django.db.models.functions import Now

from annotation.models import words
from annotation.models.project import Annotator, Project
from annotation.models.prompt import Completion, Prompt, Source
from annotation.models.task import Assignment, Task


class Counted(NamedTuple):
    """How many rankings there are, and how many of these are by simulated annotators: who shows one says the other."""

    rankings: int
    simulated: int


class RankingQuerySet(models.QuerySet["Ranking"]):
    """Adjectives filter."""

    def current(self) -> RankingQuerySet:
        """Not superseded by the same annotator's later one."""
        return self.filter(is_current=True)

    def by_people(self) -> RankingQuerySet:
        """Not made by a simulated annotator."""
        return self.filter(annotator__simulated=False)

    def counted(self, most: int | None = None) -> Counted:
        """How many, in one query; of no more than ``most`` of them where that is given."""
        rows = self.order_by().annotate(by_rule=F("annotator__simulated"))[:most]
        simulated = Count("pk", filter=Q(by_rule=True))
        return Counted(**rows.aggregate(rankings=Count("pk"), simulated=simulated))

    def collected(self) -> RankingQuerySet:
        """What people prefer: rankings of gold tasks, repeats and adjudications are something else.

        Those of withdrawn people and prompts are left out too.
        """
        return self.made_for(Task.Purpose.COLLECT)

    def made_for(self, purpose: str) -> RankingQuerySet:
        """Of tasks with this purpose, without those of withdrawn people and prompts."""
        return self.filter(task__purpose=purpose).kept()

    def kept(self) -> RankingQuerySet:
        """Neither the annotator nor the prompt is withdrawn."""
        return self.filter(annotator__withdrawn_at=None, task__prompt__withdrawn_at=None)

    def saying(self, sought: str) -> RankingQuerySet:
        """With these words in their rationale, or in the messages of their prompt."""
        query = words.sought(sought)
        rows = self.alias(
            words=words.of_text("rationale"), prompt_words=words.MessageWords("task__prompt__messages")
        )
        return rows.filter((~Q(rationale="") & Q(words=query)) | Q(prompt_words=query))

    def saying_by_index(self, sought: str) -> words.ByIndex:
        """The same by the indexes (``words``). Most have no rationale, and its index holds those that have one."""
        with_rationale = self.filter(~Q(rationale="")).alias(words=words.of_text("rationale"))
        return {
            "pk": words.ids(with_rationale.filter(words=words.sought(sought))),
            "task__prompt__pk": words.ids(Prompt.objects.saying(sought)),
        }


class Ranking(models.Model):
    """One annotator's order of a task's completions in tiers. Never changed, only superseded."""

    class Verdict(models.TextChoices):
        RANKED = "ranked", "ranked"
        ALL_BAD = "all_bad", "all bad"
        CANNOT_TELL = "cannot_tell", "cannot tell"

    class Confidence(models.TextChoices):
        LOW = "low", "low"
        MIDDLE = "middle", "middle"
        HIGH = "high", "high"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="rankings", db_index=False)
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="rankings")
    annotator = models.ForeignKey(Annotator, on_delete=models.PROTECT, related_name="rankings")
    assignment = models.OneToOneField(
        Assignment, null=True, blank=True, on_delete=models.SET_NULL, related_name="ranking"
    )
    verdict = models.CharField(max_length=11, choices=Verdict.choices)
    # tiers[i] is the tier of the completion at place i of the task: dense, 1 is best, equal is a tie.
    tiers = ArrayField(models.PositiveSmallIntegerField(), default=list, blank=True)
    confidence = models.CharField(max_length=6, choices=Confidence.choices, blank=True)
    rationale = models.TextField(blank=True)
    strength = models.FloatField(null=True, blank=True)
    order_shown = ArrayField(models.PositiveSmallIntegerField(), null=True, blank=True)
    active_seconds = models.FloatField(null=True, blank=True)
    guideline_version = models.PositiveIntegerField(default=1)
    supersedes = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="superseded_by"
    )
    is_current = models.BooleanField(default=True)
    import_key = models.CharField(max_length=64, null=True, blank=True)
    external_id = models.CharField(max_length=200, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = RankingQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["task", "annotator"],
                condition=Q(is_current=True),
                name="ranking_one_current",
                violation_error_message="An annotator has one current ranking of a task.",
            ),
            models.UniqueConstraint(
                fields=["project", "import_key"],
                name="ranking_imported_once",
                violation_error_message="A line is imported once.",
            ),
            models.CheckConstraint(
                name="ranking_tiers_exactly_when_ranked",
                condition=Q(verdict="ranked", tiers__len__gte=2) | (~Q(verdict="ranked") & Q(tiers__len=0)),
                violation_error_message="A ranking has tiers exactly when its verdict is ranked.",
            ),
            models.CheckConstraint(
                name="ranking_active_seconds_not_negative",
                condition=Q(active_seconds__isnull=True) | Q(active_seconds__gte=0),
                violation_error_message="Active seconds cannot be negative.",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "id"], name="ranking_of_project"),
            models.Index(
                fields=["annotator", "created_at"], condition=Q(is_current=True), name="ranking_of_annotator"
            ),
            GinIndex(words.of_text("rationale"), condition=~Q(rationale=""), name="ranking_words"),
        ]

    def __str__(self) -> str:
        return f"ranking {self.pk}"


class Comparison(models.Model):
    """One pair that follows from a current ranking. Derived: annotation.collecting.ranking writes it with its ranking.

    Of a tie, ``preferred`` is the completion at the earlier place of the task. Both are of the ranking's task, whose
    entries hold them: asking that again of every pair took half the time of writing it. Pairs are found by
    their ranking alone, and go with it.
    """

    ranking = models.ForeignKey(Ranking, on_delete=models.CASCADE, related_name="comparisons", db_index=False)
    preferred = models.ForeignKey(
        Completion, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    rejected = models.ForeignKey(
        Completion, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    tie = models.BooleanField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["ranking", "preferred", "rejected"],
                name="comparison_once",
                violation_error_message="A ranking says one thing of a pair.",
            ),
            models.CheckConstraint(
                name="comparison_of_two",
                condition=~Q(preferred=F("rejected")),
                violation_error_message="A completion is not compared with itself.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.preferred_id} {'=' if self.tie else '>'} {self.rejected_id}"


class RatingQuerySet(models.QuerySet["Rating"]):
    """Adjectives filter."""

    def current(self) -> RatingQuerySet:
        """Not superseded by the same annotator's later one."""
        return self.filter(is_current=True)

    def kept(self) -> RatingQuerySet:
        """Neither the annotator nor the prompt is withdrawn."""
        return self.filter(annotator__withdrawn_at=None, completion__prompt__withdrawn_at=None)

    def saying(self, sought: str) -> RatingQuerySet:
        """With these words in their completion, or in the messages of their prompt."""
        query = words.sought(sought)
        rows = self.alias(
            words=words.of_text("completion__text"),
            prompt_words=words.MessageWords("completion__prompt__messages"),
        )
        return rows.filter(Q(words=query) | Q(prompt_words=query))

    def saying_by_index(self, sought: str) -> words.ByIndex:
        """The same by the indexes (``words``)."""
        return {
            "completion__pk": words.ids(Completion.objects.saying(sought)),
            "completion__prompt__pk": words.ids(Prompt.objects.saying(sought)),
        }


class Rating(models.Model):
    """One annotator's score of one completion on a named axis (approach 1). Never changed, only superseded.

    Without a score it says "cannot say", which is neither a low score nor none given.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="ratings")
    completion = models.ForeignKey(Completion, on_delete=models.CASCADE, related_name="ratings")
    annotator = models.ForeignKey(Annotator, on_delete=models.PROTECT, related_name="ratings")
    # Whose answer it was; an imported rating has none, and an assignment of several completions has many.
    assignment = models.ForeignKey(
        Assignment, null=True, blank=True, on_delete=models.SET_NULL, related_name="ratings"
    )
    axis = models.CharField(max_length=60, default="quality")
    score = models.FloatField(null=True, blank=True)
    active_seconds = models.FloatField(null=True, blank=True)
    guideline_version = models.PositiveIntegerField(null=True, blank=True)
    supersedes = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="superseded_by"
    )
    is_current = models.BooleanField(default=True)
    import_key = models.CharField(max_length=64, null=True, blank=True)
    external_id = models.CharField(max_length=200, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = RatingQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "import_key"],
                name="rating_imported_once",
                violation_error_message="A line is imported once.",
            ),
            models.UniqueConstraint(
                fields=["assignment", "completion", "axis"],
                condition=Q(is_current=True, assignment__isnull=False),
                name="rating_one_current",
                violation_error_message="An answer has one current score a completion and axis.",
            ),
            models.CheckConstraint(
                name="rating_active_seconds_not_negative",
                condition=Q(active_seconds__isnull=True) | Q(active_seconds__gte=0),
                violation_error_message="Active seconds cannot be negative.",
            ),
        ]

    def __str__(self) -> str:
        return f"{'cannot say' if self.score is None else self.score} on {self.axis}"


class DemonstrationQuerySet(models.QuerySet["Demonstration"]):
    """Adjectives filter."""

    def current(self) -> DemonstrationQuerySet:
        """Not superseded by a later version."""
        return self.filter(is_current=True)

    def kept(self) -> DemonstrationQuerySet:
        """Neither who wrote it nor the prompt is withdrawn."""
        return self.filter(prompt__withdrawn_at=None, source__annotator__withdrawn_at=None)

    def saying(self, sought: str) -> DemonstrationQuerySet:
        """With these words in their text, in what their reviewer says of it, or in the messages of their prompt."""
        query = words.sought(sought)
        rows = self.alias(
            words=words.of_text("text"),
            comment_words=words.of_text("comment"),
            prompt_words=words.MessageWords("prompt__messages"),
        )
        by_comment = ~Q(comment="") & Q(comment_words=query)
        return rows.filter(Q(words=query) | by_comment | Q(prompt_words=query))

    def saying_by_index(self, sought: str) -> words.ByIndex:
        """The same by the indexes (``words``)."""
        query = words.sought(sought)
        by_text = self.alias(words=words.of_text("text")).filter(words=query)
        by_comment = self.filter(~Q(comment="")).alias(words=words.of_text("comment")).filter(words=query)
        return {
            "pk": words.ids(by_text).union(words.ids(by_comment), all=True),
            "prompt__pk": words.ids(Prompt.objects.saying(sought)),
        }

    def accepted(self) -> DemonstrationQuerySet:
        """What SFT learns from and an export holds: current, kept, and accepted or of a project without review."""
        return self.current().kept().filter(review=Demonstration.Review.ACCEPTED)

    def by_people(self) -> DemonstrationQuerySet:
        """Not by simulated annotators."""
        return self.exclude(source__annotator__simulated=True)

    def reviewable_by(self, annotator: Annotator) -> DemonstrationQuerySet:
        """Waiting for a second person, of the annotator's project and written by others."""
        waiting = (
            self.current().kept().filter(review=Demonstration.Review.WAITING, project=annotator.project_id)
        )
        return waiting.exclude(author=annotator)


class Demonstration(models.Model):
    """An answer that a person wrote (InstructGPT step 1). Its text never changes: a later version supersedes it."""

    class Review(models.TextChoices):
        WAITING = "waiting", "waiting for review"
        ACCEPTED = "accepted", "accepted"
        SENT_BACK = "sent_back", "sent back"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="demonstrations")
    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="demonstrations")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="demonstrations")
    # Who wrote it here. The source says it too, but a constraint cannot look there.
    author = models.ForeignKey(
        Annotator, null=True, blank=True, on_delete=models.PROTECT, related_name="demonstrations"
    )
    assignment = models.ForeignKey(
        Assignment, null=True, blank=True, on_delete=models.SET_NULL, related_name="demonstrations"
    )
    text = models.TextField()
    active_seconds = models.FloatField(null=True, blank=True)
    guideline_version = models.PositiveIntegerField(null=True, blank=True)
    review = models.CharField(
        max_length=9, choices=Review.choices, default=Review.ACCEPTED, db_default=Review.ACCEPTED.value
    )
    reviewer = models.ForeignKey(
        Annotator, null=True, blank=True, on_delete=models.PROTECT, related_name="reviews"
    )
    comment = models.TextField(blank=True, default="", db_default="")
    # The reviewer changed words before accepting it.
    edited = models.BooleanField(default=False, db_default=False)
    reviewed_at = models.DateTimeField(null=True, blank=True)
    # Who has it on the screen for review, and until when nobody else is given it.
    held_by = models.ForeignKey(Annotator, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    held_until = models.DateTimeField(null=True, blank=True)
    supersedes = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="superseded_by"
    )
    is_current = models.BooleanField(default=True, db_default=True)
    import_key = models.CharField(max_length=64, null=True, blank=True)
    external_id = models.CharField(max_length=200, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = DemonstrationQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "import_key"],
                name="demonstration_imported_once",
                violation_error_message="A line is imported once.",
            ),
            models.UniqueConstraint(
                fields=["assignment"],
                condition=Q(is_current=True, assignment__isnull=False),
                name="demonstration_one_current",
                violation_error_message="An assignment has one current demonstration.",
            ),
            models.CheckConstraint(
                name="demonstration_reviewed_by_another",
                condition=Q(reviewer__isnull=True) | Q(author__isnull=True) | ~Q(reviewer=F("author")),
                violation_error_message="Nobody reviews what they wrote themselves.",
            ),
            models.CheckConstraint(
                name="demonstration_sent_back_says_why",
                condition=~Q(review="sent_back") | (Q(reviewer__isnull=False) & ~Q(comment="")),
                violation_error_message="Whoever sends a demonstration back says why.",
            ),
            models.CheckConstraint(
                name="demonstration_waits_for_a_reviewer",
                condition=~Q(review="waiting") | Q(reviewer__isnull=True),
                violation_error_message="What waits for review has no reviewer yet.",
            ),
            models.CheckConstraint(
                name="demonstration_review_known",
                condition=Q(review__in=["waiting", "accepted", "sent_back"]),
                violation_error_message="A demonstration waits, is accepted or was sent back.",
            ),
        ]
        indexes = [
            models.Index(
                fields=["project", "id"],
                condition=Q(review="waiting", is_current=True),
                name="demonstration_waiting",
            ),
            GinIndex(words.of_text("text"), name="demonstration_words"),
            GinIndex(words.of_text("comment"), condition=~Q(comment=""), name="comment_words"),
        ]

    def __str__(self) -> str:
        return self.text[:80]
