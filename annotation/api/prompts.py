"""Prompts and completions."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ProjectEndpoint, by_public_id
from annotation.api.paging import EitherWay
from annotation.api.parsing import named_fields
from annotation.files import intake
from annotation.files.jsonl.provenance import SPLITS
from annotation.models import Completion, Prompt

FORMS = tuple(Prompt.Form.values)


class MessageSerializer(serializers.Serializer[Any]):
    """One message of a prompt."""

    role = serializers.ChoiceField(
        choices=["system", "user", "assistant"],
        help_text="Who speaks",
    )
    content = serializers.CharField(
        trim_whitespace=False,
        allow_blank=True,
        help_text="What they say, as it was written",
    )


class PromptField(serializers.JSONField):
    """A text, or a list of messages; annotation.files.jsonl reads it, console.api.schema says so."""

    message = MessageSerializer


class PromptSerializer(serializers.ModelSerializer[Prompt]):
    """What a policy is asked. A text prompt is one user message."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    messages = MessageSerializer(many=True, read_only=True)
    metadata = serializers.DictField(read_only=True)

    class Meta:
        model = Prompt
        fields = ("id", "form", "messages", "split", "external_id", "metadata", "created_at")
        read_only_fields = fields


class NewPromptSerializer(serializers.Serializer[Any]):
    """A prompt to be added: a line of kind prompts."""

    prompt = PromptField(
        help_text="A text, which is a prompt of form text, or a list of messages, which is one of form chat",
    )
    id = serializers.CharField(required=False, max_length=200, help_text="Your own name of it")
    split = serializers.ChoiceField(
        choices=SPLITS,
        required=False,
        help_text="Left out, the text of the first user turn decides: 80 in 100 train, 10 validation, 10 test",
    )
    metadata = serializers.DictField(
        required=False,
        help_text="Whatever you wish to find beside it again",
    )


class CompletionSerializer(serializers.ModelSerializer[Completion]):
    """One answer to one prompt by one source."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    prompt = serializers.UUIDField(source="prompt.public_id", read_only=True)
    source = serializers.CharField(source="source.name", read_only=True)  # type: ignore[assignment]  # what clients call it
    sampling = serializers.DictField(read_only=True)

    class Meta:
        model = Completion
        fields = ("id", "prompt", "source", "text", "sampling", "created_at")
        read_only_fields = fields


class Prompts(ListAPIView[Prompt], ProjectEndpoint):
    """The project's prompts."""

    tag = "Prompts and completions"
    serializer_class = PromptSerializer
    pagination_class = EitherWay
    kind_of_data = "prompts"

    def get_queryset(self) -> "QuerySet[Prompt]":
        return self.of_project(Prompt.objects.kept())

    @extend_schema(request=NewPromptSerializer, responses={200: PromptSerializer, 201: PromptSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Add a prompt: 201, or 200 where it is there already."""
        # As a line of JSONL, whose own reader says what is wrong with the prompt.
        line = self.requested(NewPromptSerializer)
        with named_fields():
            added = intake.add_prompt(project=self.project, line=line)
        return Response(self.get_serializer(added.row).data, status=created(added.is_new))


class OnePrompt(ProjectEndpoint):
    """One prompt."""

    tag = "Prompts and completions"
    serializer_class = PromptSerializer

    def get(self, request: Request, slug: str, id: UUID) -> Response:
        """What is asked."""
        return Response(self.get_serializer(by_public_id(self.of_project(Prompt.objects.kept()), id)).data)


class Completions(ListAPIView[Completion], ProjectEndpoint):
    """The project's completions, with who wrote them."""

    tag = "Prompts and completions"
    serializer_class = CompletionSerializer
    pagination_class = EitherWay
    kind_of_data = "completions"

    def get_queryset(self) -> "QuerySet[Completion]":
        return completions_of(self)


class OneCompletion(ProjectEndpoint):
    """One completion."""

    tag = "Prompts and completions"
    serializer_class = CompletionSerializer

    def get(self, request: Request, slug: str, id: UUID) -> Response:
        """Its text, and who wrote it."""
        return Response(self.get_serializer(by_public_id(completions_of(self), id)).data)


def completions_of(view: ProjectEndpoint) -> "QuerySet[Completion]":
    """Those of the view's project whose prompt nobody withdrew."""
    rows = Completion.objects.select_related("prompt", "source").filter(prompt__withdrawn_at=None)
    return rows.filter(prompt__project=view.project) if hasattr(view, "project") else rows.none()


def created(is_new: bool) -> int:
    """201, or 200 for what was there."""
    return status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
