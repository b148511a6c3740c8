"""What a policy is asked, who wrote an answer, and the answer."""

from __future__ import annotations

import uuid

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from annotation.models import words
from annotation.models.project import Annotator, Project


class Split(models.TextChoices):
    """Decided by the digest of the first user turn, 80/10/10, unless an import says it."""

    TRAIN = "train", "train"
    VALIDATION = "validation", "validation"
    TEST = "test", "test"


class Source(models.Model):
    """Who wrote a text. Annotators never see it."""

    class Kind(models.TextChoices):
        POLICY = "policy", "policy version"
        PERSON = "person", "person"
        IMPORT = "import", "import"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="sources")
    kind = models.CharField(max_length=6, choices=Kind.choices)
    name = models.CharField(max_length=200)
    annotator = models.ForeignKey(
        Annotator, null=True, blank=True, on_delete=models.SET_NULL, related_name="sources"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name"],
                name="source_name_once",
                violation_error_message="A source's name is its own within a project.",
            ),
            models.CheckConstraint(
                name="source_only_a_person_is_an_annotator",
                condition=Q(annotator__isnull=True) | Q(kind="person"),
                violation_error_message="Only a person can be both source and annotator.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PromptQuerySet(models.QuerySet["Prompt"]):
    """Adjectives filter."""

    def kept(self) -> PromptQuerySet:
        """Not withdrawn: their text is here."""
        return self.filter(withdrawn_at=None)

    def saying(self, sought: str) -> PromptQuerySet:
        """With these words in their messages."""
        return self.alias(words=words.MessageWords("messages")).filter(words=words.sought(sought))

    def saying_by_index(self, sought: str) -> words.ByIndex:
        """The same by the index (``words``)."""
        return {"pk": words.ids(self.saying(sought))}


class Prompt(models.Model):
    """A list of chat messages; a text prompt is one user message, and differs from the same words as a chat."""

    class Form(models.TextChoices):
        TEXT = "text", "text"
        CHAT = "chat", "chat"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="prompts", db_index=False)
    form = models.CharField(max_length=4, choices=Form.choices)
    messages = models.JSONField()
    digest = models.CharField(max_length=64, help_text="sha256 of the form and the messages")
    # Prompts of one opening have one split: an import looks it up before it decides.
    opening = models.CharField(
        max_length=64, blank=True, editable=False, help_text="sha256 of the first user turn's text"
    )
    split = models.CharField(max_length=10, choices=Split.choices)
    external_id = models.CharField(max_length=200, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    # Offered for sampling: it came in as a prompt, not only under somebody's judgement.
    sampled = models.BooleanField(default=False)
    # Its text and that of everything under it is erased; the digest stays, so that no import brings it back.
    withdrawn_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = PromptQuerySet.as_manager()

    class Meta:
        # What an import looks up stands first: it finds a prompt so in a project that Postgres has not counted yet
        # (annotation.files.intake.finding).
        constraints = [
            models.UniqueConstraint(
                fields=["digest", "project"],
                name="prompt_once",
                violation_error_message="A prompt is stored once in a project.",
            ),
        ]
        indexes = [
            models.Index(fields=["project", "split"], name="prompt_by_split"),
            models.Index(fields=["opening", "project"], name="prompt_by_opening"),
            GinIndex(words.MessageWords("messages"), name="prompt_words"),
        ]

    def __str__(self) -> str:
        return self.last_text[:80]

    @property
    def last_text(self) -> str:
        """The last message's text: what is asked."""
        return str(self.messages[-1]["content"]) if self.messages else ""


class CompletionQuerySet(models.QuerySet["Completion"]):
    """Adjectives filter."""

    def kept(self) -> CompletionQuerySet:
        """Neither the prompt nor whoever wrote it is withdrawn."""
        return self.filter(prompt__withdrawn_at=None, source__annotator__withdrawn_at=None)

    def saying(self, sought: str) -> CompletionQuerySet:
        """With these words."""
        return self.alias(words=words.of_text("text")).filter(words=words.sought(sought))

    def saying_by_index(self, sought: str) -> words.ByIndex:
        """The same by the index (``words``)."""
        return {"pk": words.ids(self.saying(sought))}


class Completion(models.Model):
    """One answer to one prompt by one source."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    prompt = models.ForeignKey(Prompt, on_delete=models.CASCADE, related_name="completions", db_index=False)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="completions")
    text = models.TextField(blank=True)
    digest = models.CharField(max_length=64, help_text="sha256 of the text")
    sampling = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = CompletionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["prompt", "source", "digest"],
                name="completion_once_a_source",
                violation_error_message="A source's text for a prompt is stored once.",
            )
        ]
        indexes = [GinIndex(words.of_text("text"), name="completion_words")]

    def __str__(self) -> str:
        return self.text[:80]
