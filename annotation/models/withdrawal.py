"""A person's or a prompt's data taken back."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from annotation.models.project import Annotator, Project
from annotation.models.prompt import Prompt
from annotation.models.snapshot import Snapshot
from runs.models import Run


class Withdrawal(models.Model):
    """What was withdrawn, and everything that held it. Files are erased after its rows (annotation.withdrawal)."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="withdrawals")
    annotator = models.OneToOneField(
        Annotator, null=True, blank=True, on_delete=models.CASCADE, related_name="withdrawal"
    )
    prompt = models.OneToOneField(
        Prompt, null=True, blank=True, on_delete=models.CASCADE, related_name="withdrawal"
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    # sha256 of the name that is gone: asking for it again finds the withdrawal.
    name_digest = models.CharField(max_length=64, blank=True)
    # Public ids of what files may hold: {"rankings": [...], "completions": [...], "prompts": [...], ...}
    erased = models.JSONField()
    snapshots = models.ManyToManyField(Snapshot, related_name="withdrawals", blank=True)
    runs = models.ManyToManyField(Run, related_name="withdrawals", blank=True)
    files_begun_at = models.DateTimeField(null=True, blank=True)
    files_done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="withdrawal_of_one",
                condition=Q(annotator__isnull=False, prompt__isnull=True)
                | Q(annotator__isnull=True, prompt__isnull=False),
                violation_error_message="A withdrawal is of an annotator or of a prompt.",
            )
        ]

    def __str__(self) -> str:
        return f"withdrawal {self.pk}"
