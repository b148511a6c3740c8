"""Skips: tasks that annotators passed over, and why."""

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.generics import ListAPIView

from annotation.api.base import ProjectEndpoint
from annotation.api.paging import EitherWay
from annotation.models import Assignment


class SkipSerializer(serializers.ModelSerializer[Assignment]):
    """One annotator who passed one task over. Nobody is asked for it again; others are."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    task = serializers.UUIDField(source="task.public_id", read_only=True)
    prompt = serializers.UUIDField(source="task.prompt.public_id", read_only=True)
    annotator = serializers.UUIDField(source="annotator.public_id", read_only=True)
    pseudonym = serializers.CharField(source="annotator.pseudonym", read_only=True)
    reason = serializers.CharField(
        read_only=True, help_text="In the annotator's words, or those of their flag"
    )
    skipped_at = serializers.DateTimeField(source="closed_at", read_only=True)

    class Meta:
        model = Assignment
        fields = ("id", "task", "prompt", "annotator", "pseudonym", "reason", "opened_at", "skipped_at")
        read_only_fields = fields


class Skips(ListAPIView[Assignment], ProjectEndpoint):
    """Tasks that were passed over, and why."""

    tag = "Quality control"
    serializer_class = SkipSerializer
    pagination_class = EitherWay
    kind_of_data = "skips"

    def get_queryset(self) -> "QuerySet[Assignment]":
        rows = Assignment.objects.filter(status=Assignment.Status.SKIPPED)
        rows = rows.filter(task__prompt__withdrawn_at=None, annotator__withdrawn_at=None)
        return self.of_project(rows.select_related("task__prompt", "annotator"))
