"""A task, its completions, its slots and the leases on them."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, ExpressionWrapper, OuterRef, Q
from django.db.models.functions import Now, Random
from django.utils.functional import cached_property

from annotation.models import words
from annotation.models.project import Annotator, Project
from annotation.models.prompt import Completion, Prompt


class TaskQuerySet(models.QuerySet["Task"]):
    """Adjectives filter."""

    def kept(self) -> TaskQuerySet:
        """Of prompts that nobody withdrew."""
        return self.filter(prompt__withdrawn_at=None)

    def saying(self, sought: str) -> TaskQuerySet:
        """With these words in the messages of their prompt."""
        return self.alias(words=words.MessageWords("prompt__messages")).filter(words=words.sought(sought))

    def saying_by_index(self, sought: str) -> words.ByIndex:
        """The same by the index (``words``)."""
        return {"prompt__pk": words.ids(Prompt.objects.saying(sought))}

    def collected(self) -> TaskQuerySet:
        """Asked in order to learn what people prefer, of prompts that nobody withdrew: not gold, no repeat."""
        return self.filter(purpose=Task.Purpose.COLLECT, prompt__withdrawn_at=None)

    def ranked(self) -> TaskQuerySet:
        """Of those collected, the ones whose completions are put in order."""
        return self.collected().filter(kind=Task.Kind.RANK)

    def gold(self) -> TaskQuerySet:
        """With an expert's order that annotators are measured by."""
        return self.filter(purpose=Task.Purpose.GOLD, prompt__withdrawn_at=None)

    def with_free_place(self) -> TaskQuerySet:
        """Somebody can still be asked: a slot is nobody's."""
        return self.filter(Exists(Slot.objects.filter(task=OuterRef("pk"), annotator=None)))

    def in_hand(self) -> TaskQuerySet:
        """Somebody holds it now."""
        return self.filter(Exists(Assignment.objects.open().filter(task=OuterRef("pk"))))

    def doubted(self) -> TaskQuerySet:
        """Judged because a reward model was unsure of them, and drawn at random for nobody: no fair sample."""
        judged = Assignment.objects.filter(task=OuterRef("pk"), status=Assignment.Status.SUBMITTED)
        by_doubt, by_chance = (
            Exists(judged.filter(chosen=chosen))
            for chosen in (Assignment.Choice.DOUBT, Assignment.Choice.RANDOM)
        )
        return self.filter(by_doubt, ~by_chance)

    def with_complete(self) -> TaskQuerySet:
        """``complete``: it has slots, and whoever holds each has submitted."""
        submitted = Assignment.objects.filter(
            task=OuterRef("task"), annotator=OuterRef("annotator"), status=Assignment.Status.SUBMITTED
        )
        slots = Slot.objects.filter(task=OuterRef("pk"))
        # That none is free follows from the last, and is found out at half the cost.
        free = slots.filter(annotator=None)
        complete = Q(Exists(slots)) & ~Q(Exists(free)) & ~Q(Exists(slots.filter(~Exists(submitted))))
        return self.annotate(complete=ExpressionWrapper(complete, output_field=models.BooleanField()))


class Task(models.Model):
    """One prompt to be judged by N annotators: its K completions ranked or rated, or an answer to it written.

    Gold tasks and repeats measure whoever ranks them (annotation.checking.control). They have no slots: everybody may
    get each of them once, which the assignments hold.
    """

    class Kind(models.TextChoices):
        RANK = "rank", "rank completions"
        RATE = "rate", "rate completions"
        DEMONSTRATE = "demonstrate", "write an answer"

    class Purpose(models.TextChoices):
        COLLECT = "collect", "collect"
        GOLD = "gold", "gold"
        REPEAT = "repeat", "repeat"
        ADJUDICATION = "adjudication", "adjudication"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="tasks", db_index=False)
    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="tasks")
    key = models.CharField(
        max_length=200, help_text="An import's name of the task, or the digest of what it ranks"
    )
    kind = models.CharField(
        max_length=11, choices=Kind.choices, default=Kind.RANK, db_default=Kind.RANK.value
    )
    priority = models.IntegerField(default=0)
    # The reward model that gave it its priority, as "reward model v3"; empty where none did.
    ordered_by = models.CharField(max_length=40, default="", db_default="", blank=True, editable=False)
    annotators = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="How many its line asked for; empty: as many as the project says"
    )
    # The import writes rows by COPY, which leaves a default to the database.
    purpose = models.CharField(
        max_length=12, choices=Purpose.choices, default=Purpose.COLLECT, db_default=Purpose.COLLECT
    )
    gold_tiers = ArrayField(models.PositiveSmallIntegerField(), null=True, blank=True)
    # The task that a repeat or an adjudication asks again: the same completions at the same places.
    repeats = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="repeated_as", db_index=False
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
                name="task_kind_known",
                condition=Q(kind__in=["rank", "rate", "demonstrate"]),
                violation_error_message="A task is to rank, to rate or to demonstrate.",
            ),
            models.CheckConstraint(
                name="task_measures_by_ranking",
                condition=Q(purpose="collect") | Q(kind="rank"),
                violation_error_message="Gold tasks, repeats and adjudications are ranked.",
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
                condition=Q(repeats__isnull=False),
                name="task_repeated_once",
                violation_error_message="A task has one repeat and one adjudication, whoever they are asked of.",
            ),
        ]
        indexes = [
            models.Index(fields=["project"], condition=Q(purpose="gold"), name="task_gold"),
        ]

    def __str__(self) -> str:
        return f"task {self.pk}"

    @cached_property
    def texts(self) -> list[str]:
        """Its completions, in the order of their places."""
        return list(self.entries.order_by("position").values_list("completion__text", flat=True))

    @property
    def is_check(self) -> bool:
        """Gold or a repeat: it measures whoever ranks it."""
        return self.purpose in {self.Purpose.GOLD, self.Purpose.REPEAT}


class TaskCompletion(models.Model):
    """One of a task's completions, at its place in the task (not the place in which anybody sees it)."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="entries", db_index=False)
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


class SlotQuerySet(models.QuerySet["Slot"]):
    """Adjectives filter."""

    def set_free(self) -> int:
        """Take these slots from whoever holds them. The only way: bookmarks go by the time that it keeps."""
        return self.update(annotator=None, freed_at=Now())


class Slot(models.Model):
    """One of a task's N places for an annotator: free, or held.

    A claim takes one free slot under SKIP LOCKED through the partial index, so it stays flat however
    many tasks are done, and N rows can never hold more than N annotators.
    """

    # Two of the task's columns stand here again, because the claim must not join.
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    priority = models.IntegerField(default=0)
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="slots", db_index=False)
    number = models.PositiveSmallIntegerField()
    annotator = models.ForeignKey(
        Annotator, null=True, blank=True, on_delete=models.CASCADE, related_name="slots", db_index=False
    )
    # When it was last given back; nobody gave back what was never taken.
    freed_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Its place in the order by chance, from 0 to 1: who draws at random starts anywhere in it.
    lot = models.FloatField(db_default=Random(), editable=False)

    objects = SlotQuerySet.as_manager()

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
            # Most are nobody's yet, and are found by the indexes below.
            models.Index(fields=["annotator"], condition=Q(annotator__isnull=False), name="slot_held"),
            models.Index(
                fields=["project", "-priority", "task", "number"],
                condition=Q(annotator__isnull=True),
                name="slot_free",
            ),
            models.Index(
                fields=["project", "freed_at"],
                condition=Q(annotator__isnull=True, freed_at__isnull=False),
                name="slot_given_back",
            ),
            models.Index(fields=["project", "lot"], condition=Q(annotator__isnull=True), name="slot_by_lot"),
        ]

    def __str__(self) -> str:
        return f"slot {self.number} of task {self.task_id}"


class Bookmark(models.Model):
    """How far an annotator is through the queue: of what stands before, nothing was left for them.

    It spares the queue a walk past a million tasks that somebody has judged and others have not. It says nothing
    that the slots do not say: without it the next task is the same, found more slowly (collecting.bookmarks).
    """

    annotator = models.OneToOneField(
        Annotator, primary_key=True, on_delete=models.CASCADE, related_name="bookmark"
    )
    # The first slot that may be theirs: as a place in the order of the queue, whether or not it is still there.
    priority = models.BigIntegerField()
    task_number = models.BigIntegerField()
    queue_version = models.PositiveBigIntegerField()
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"at {self.task_number}"


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    """Adjectives filter."""

    def open(self) -> AssignmentQuerySet:
        """Held now, expired or not."""
        return self.filter(status=Assignment.Status.OPEN)

    def overdue(self) -> AssignmentQuerySet:
        """Open past their lease."""
        return self.open().filter(expires_at__lt=Now())


class Assignment(models.Model):
    """One annotator's lease on one task. Moved by annotation.collecting alone."""

    class Status(models.TextChoices):
        OPEN = "open", "open"
        SUBMITTED = "submitted", "submitted"
        SKIPPED = "skipped", "skipped"
        RELEASED = "released", "released"
        EXPIRED = "expired", "expired"

    class Choice(models.TextChoices):
        PRIORITY = "priority", "by priority"
        RANDOM = "random", "drawn at random"
        DOUBT = "doubt", "asked because a reward model is unsure of it"

    # Whoever has one of these of a task does not get the task again.
    HOLDING: ClassVar = (Status.OPEN, Status.SUBMITTED, Status.SKIPPED)

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="assignments")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="assignments")
    annotator = models.ForeignKey(Annotator, on_delete=models.CASCADE, related_name="assignments")
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.OPEN)
    chosen = models.CharField(
        max_length=8, choices=Choice.choices, default=Choice.PRIORITY, db_default=Choice.PRIORITY
    )
    opened_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    # order_shown[i] is the place in the task of the completion shown i-th.
    order_shown = ArrayField(models.PositiveSmallIntegerField())
    draft = models.JSONField(default=dict, blank=True)
    # When and in which browser the draft was last changed: an older one of another browser does not take its place.
    drafted_at = models.DateTimeField(null=True, blank=True, editable=False)
    drafted_by = models.CharField(max_length=32, default="", blank=True, editable=False)
    reason = models.TextField(blank=True)
    # Held for later, while the annotator still works on another (annotation.collecting.queue says why).
    ahead = models.BooleanField(default=False, db_default=False, editable=False)

    # Whether its annotator held another task of the project when it was answered; None of any other row
    # (annotation.collecting.holding).
    others_open: bool | None = None

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
            models.Index(
                fields=["annotator", "closed_at", "id"],
                condition=Q(status="submitted"),
                name="assignment_submitted",
            ),
            models.Index(
                fields=["project", "closed_at", "id"],
                condition=Q(status="skipped"),
                name="assignment_skipped",
            ),
        ]

    def __str__(self) -> str:
        return f"assignment {self.pk}"
