"""Flags: what somebody should look at, raised by researchers at many tasks at once, and resolved in words.

Annotators raise theirs at the task in their hands (annotation.api.judging).
"""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import people
from annotation.api.base import ProjectEndpoint
from annotation.api.filters import Filter, boolean
from annotation.api.paging import NewestFirst
from annotation.api.tasks import require_tasks
from annotation.collecting import flags
from annotation.models import Flag


class FlagSerializer(serializers.ModelSerializer[Flag]):
    """One concern: of an annotator at a task, or of the import at a completion whose text names its model."""

    prompt = serializers.UUIDField(source="prompt.public_id", read_only=True)
    task = serializers.UUIDField(source="task.public_id", read_only=True, allow_null=True, default=None)
    completion = serializers.UUIDField(
        source="completion.public_id", read_only=True, allow_null=True, default=None
    )
    annotator = serializers.UUIDField(
        source="annotator.public_id",
        read_only=True,
        allow_null=True,
        default=None,
        help_text="Who raised it; null where it was found in the text",
    )
    resolved_by = serializers.CharField(
        source="resolved_by.username", read_only=True, allow_null=True, default=None
    )

    class Meta:
        model = Flag
        fields = (
            "id",
            "category",
            "words",
            "prompt",
            "task",
            "completion",
            "annotator",
            "created_at",
            "resolved_at",
            "resolved_by",
            "resolution",
        )
        read_only_fields = fields


class FlaggedTasksSerializer(serializers.Serializer[Any]):
    """Tasks that somebody should look at, and why."""

    tasks = serializers.ListField(
        child=serializers.UUIDField(), min_length=1, max_length=flags.MOST_AT_ONCE, help_text="Ids"
    )
    category = serializers.ChoiceField(
        choices=Flag.Category.choices,
        help_text="What is wrong with each of them",
    )
    words = serializers.CharField(
        max_length=flags.MOST_WORDS,
        required=False,
        allow_blank=True,
        help_text="What is wrong, in your words",
    )


class MadeFlagsSerializer(serializers.Serializer[Any]):
    """How many there are now more: what you have flagged so before is not flagged twice."""

    flags = serializers.IntegerField(read_only=True)


class ResolutionSerializer(serializers.Serializer[Any]):
    """What became of it."""

    resolution = serializers.CharField(
        max_length=500,
        help_text="What was done about it, in words",
    )


class FlagEndpoint(ProjectEndpoint):
    """The project's flags."""

    tag = "Quality control"
    serializer_class = FlagSerializer

    def flags(self) -> "QuerySet[Flag]":
        """With what is shown of them."""
        rows = Flag.objects.select_related("prompt", "task", "completion", "annotator", "resolved_by")
        return self.of_project(rows)

    def flag(self, pk: int) -> Flag:
        """The project's flag with this id; Http404."""
        return get_object_or_404(self.flags(), pk=pk)


class Flags(ListAPIView[Flag], FlagEndpoint):
    """What somebody should look at, and what became of it, the newest first."""

    pagination_class = NewestFirst
    filters = {
        "open": Filter("resolved_at__isnull", "Not resolved yet, or resolved", type=boolean),
        "category": Filter("category", "For this reason", tuple(Flag.Category.values)),
        "annotator": Filter("annotator__public_id", "Raised by this annotator", type=UUID),
        "task": Filter("task__public_id", "At this task", type=UUID),
    }

    def get_queryset(self) -> "QuerySet[Flag]":
        return self.flags()

    @extend_schema(request=FlaggedTasksSerializer, responses={201: MadeFlagsSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Flag tasks, as your annotator."""
        fields = self.requested(FlaggedTasksSerializer)
        count = flags.flag_tasks(
            tasks=require_tasks(self.project, fields.pop("tasks")),
            by=people.annotator_for(project=self.project, user=self.account),
            **fields,
        )
        return Response({"flags": count}, status=status.HTTP_201_CREATED)


class OneFlag(FlagEndpoint):
    """One flag."""

    def get(self, request: Request, slug: str, id: int) -> Response:
        """Why it was raised, and what became of it."""
        return Response(self.get_serializer(self.flag(id)).data)


class Resolve(FlagEndpoint):
    """A flag that was looked at."""

    @extend_schema(request=ResolutionSerializer, responses=FlagSerializer)
    def post(self, request: Request, slug: str, id: int) -> Response:
        """Say what became of it. One that is resolved already stays as it is."""
        flag = self.flag(id)
        flags.resolve(flags=[flag], by=self.account, **self.requested(ResolutionSerializer))
        return Response(self.get_serializer(self.flag(id)).data)
