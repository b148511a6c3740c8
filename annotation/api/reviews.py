"""A second person reads what somebody wrote: accepts it, perhaps with edits, or sends it back with a comment."""

from typing import Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import AnnotatorEndpoint, bodiless, by_public_id
from annotation.api.prompts import MessageSerializer
from annotation.collecting import demonstrating
from annotation.collecting.demonstrating import LONGEST_COMMENT
from annotation.models import Demonstration


class ReviewSerializer(serializers.ModelSerializer[Demonstration]):
    """What is to be reviewed, without who wrote it."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    prompt = serializers.SerializerMethodField()
    earlier_comment = serializers.CharField(
        source="supersedes.comment",
        read_only=True,
        default="",
        help_text="Why an earlier version was sent back",
    )

    class Meta:
        model = Demonstration
        fields = ("id", "prompt", "text", "review", "earlier_comment", "comment", "edited", "created_at")
        read_only_fields = fields

    @extend_schema_field(MessageSerializer(many=True))
    def get_prompt(self, demonstration: Demonstration) -> list[dict[str, str]]:
        return list(demonstration.prompt.messages)


class AcceptSerializer(serializers.Serializer[Any]):
    """Accepted, perhaps with edits."""

    text = serializers.CharField(
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        max_length=settings.MAX_TEXT_BYTES,
        help_text="Another text than its own becomes a version of its own",
    )
    comment = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=LONGEST_COMMENT,
        help_text="For the author to read; what is wrong belongs into a sending back",
    )


class SendBackSerializer(serializers.Serializer[Any]):
    """What should be different."""

    comment = serializers.CharField(
        max_length=LONGEST_COMMENT,
        help_text="What the author should change",
    )


class NextReview(AnnotatorEndpoint):
    """What waits for a second person."""

    tag = "Judging"
    serializer_class = ReviewSerializer

    @bodiless(responses={200: ReviewSerializer, 204: None})
    def post(self, request: Request, slug: str) -> Response:
        """Take the oldest answer of somebody else that waits, or get the one in hand again; 204 where none does."""
        demonstration = demonstrating.claim_review(reviewer=self.annotator)
        if demonstration is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        return Response(self.get_serializer(demonstration).data)


class ReviewEndpoint(AnnotatorEndpoint):
    """One answer of somebody else; one's own is not found."""

    tag = "Judging"
    serializer_class = ReviewSerializer

    def decide(self, kind: type[serializers.Serializer[Any]], id: UUID, decision: Any) -> Response:
        """Carry the decision out with what the request says."""
        rows = self.of_project(Demonstration.objects.kept()).exclude(author=self.annotator)
        demonstration = by_public_id(rows.select_related("prompt", "project"), id)
        decided = decision(demonstration=demonstration, reviewer=self.annotator, **self.requested(kind))
        return Response(self.get_serializer(decided).data)


@extend_schema_view(post=extend_schema(request=AcceptSerializer, responses=ReviewSerializer))
class Accept(ReviewEndpoint):
    """An answer that is good, or good with edits."""

    def post(self, request: Request, slug: str, id: UUID) -> Response:
        """Accept the answer: it counts from now on."""
        return self.decide(AcceptSerializer, id, demonstrating.accept)


@extend_schema_view(post=extend_schema(request=SendBackSerializer, responses=ReviewSerializer))
class SendBack(ReviewEndpoint):
    """An answer that its author should change."""

    def post(self, request: Request, slug: str, id: UUID) -> Response:
        """Send the answer back to its author with a comment."""
        return self.decide(SendBackSerializer, id, demonstrating.send_back)
