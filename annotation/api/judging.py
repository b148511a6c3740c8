"""An annotator at work through a program of their own: the same queue and the same rules as the page.

Whatever is shown is the annotator's own, by letters in their own order; no source, no completion's id, no sign of
whether a task is gold.
"""

from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from annotation import locks
from annotation.api.answers import (
    DRAFTS,
    DraftSerializer,
    JudgementSerializer,
    ScoresSerializer,
    WrittenSerializer,
)
from annotation.api.base import AnnotatorEndpoint, bodiless, by_public_id, refuse_unknown
from annotation.api.filters import Filter, boolean
from annotation.api.preconditions import require_unchanged, tagged
from annotation.api.prompts import MessageSerializer
from annotation.collecting import demonstrating, flags, queue, ranking, rating, shown
from annotation.forms.ranking import LONGEST_REASON
from annotation.forms.rating import by_letter
from annotation.models import Annotator, Assignment, Demonstration, Flag, Ranking, Task, TaskCompletion
from runs.writing import write

SENT_BACK = Demonstration.Review.SENT_BACK


class LetteredSerializer(serializers.Serializer[Any]):
    """One completion as shown to this annotator."""

    letter = serializers.CharField(read_only=True)
    text = serializers.CharField(read_only=True)


class AssignmentSerializer(serializers.ModelSerializer[Assignment]):
    """One task that this annotator has or had."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    kind = serializers.ChoiceField(source="task.kind", choices=Task.Kind.choices, read_only=True)

    class Meta:
        model = Assignment
        fields = ("id", "kind", "status", "opened_at", "expires_at", "closed_at", "reason")
        read_only_fields = fields


class AssignmentDetailSerializer(AssignmentSerializer):
    """The same, with what is to be judged and what was said of it."""

    prompt = serializers.SerializerMethodField()
    completions = serializers.SerializerMethodField(help_text="In this annotator's own order")
    guideline_version = serializers.IntegerField(source="project.guideline_version", read_only=True)
    axes = serializers.SerializerMethodField(help_text="Of a task to rate: its scales")
    judgement = serializers.SerializerMethodField(help_text="The draft, or what was submitted")
    sent_back = serializers.SerializerMethodField(
        help_text="Why a reviewer sent the answer back, for revise/ to change; empty where none did"
    )

    class Meta(AssignmentSerializer.Meta):
        fields = (  # type: ignore[assignment]
            *AssignmentSerializer.Meta.fields,
            "prompt",
            "completions",
            "guideline_version",
            "axes",
            "judgement",
            "sent_back",
        )
        read_only_fields = fields  # type: ignore[assignment]

    @extend_schema_field(MessageSerializer(many=True))
    def get_prompt(self, assignment: Assignment) -> list[dict[str, str]]:
        return list(assignment.task.prompt.messages)

    @extend_schema_field(LetteredSerializer(many=True))
    def get_completions(self, assignment: Assignment) -> list[dict[str, str]]:
        entries = TaskCompletion.objects.filter(task=assignment.task_id).order_by("position")
        texts = list(entries.values_list("completion__text", flat=True))
        letters = shown.letters(assignment)
        return [
            {"letter": letter, "text": texts[place]}
            for letter, place in zip(letters, assignment.order_shown, strict=True)
        ]

    @extend_schema_field(serializers.ListField(child=serializers.DictField()))
    def get_axes(self, assignment: Assignment) -> list[dict[str, Any]]:
        if assignment.task.kind != Task.Kind.RATE:
            return []
        return [axis._asdict() for axis in rating.axes_of(assignment.project)]

    @extend_schema_field(serializers.DictField())
    def get_judgement(self, assignment: Assignment) -> dict[str, Any]:
        if assignment.task.kind == Task.Kind.RATE:
            return {"scores": by_letter(assignment)}
        if assignment.task.kind == Task.Kind.DEMONSTRATE:
            written = Demonstration.objects.current().filter(assignment=assignment).first()
            return {"text": written.text} if written else dict(assignment.draft)
        rankings = Ranking.objects.current().filter(
            task=assignment.task_id, annotator=assignment.annotator_id
        )
        stored = rankings.filter(order_shown__isnull=False).first()
        return shown.as_draft(stored) if stored else dict(assignment.draft)

    def get_sent_back(self, assignment: Assignment) -> str:
        if assignment.task.kind != Task.Kind.DEMONSTRATE:
            return ""
        comments = Demonstration.objects.current().filter(assignment=assignment, review=SENT_BACK)
        return comments.values_list("comment", flat=True).first() or ""


class ReasonSerializer(serializers.Serializer[Any]):
    """Why a task is passed on."""

    reason = serializers.CharField(
        max_length=LONGEST_REASON,
        help_text="Why, for the project's researchers, who list skips with it",
    )


class NewFlagSerializer(serializers.Serializer[Any]):
    """What is wrong with a task."""

    category = serializers.ChoiceField(
        choices=Flag.Category.choices,
        help_text="What is wrong; other wants words",
    )
    words = serializers.CharField(
        max_length=LONGEST_REASON,
        required=False,
        allow_blank=True,
        help_text="What is wrong, in your words",
    )
    passing = serializers.BooleanField(required=False, default=False, help_text="Pass the task on too")


class AssignmentEndpoint(AnnotatorEndpoint):
    """One assignment of the caller's own; anybody else's is not found."""

    tag = "Judging"
    serializer_class = AssignmentDetailSerializer

    def assignment(self, public_id: UUID) -> Assignment:
        """The caller's own assignment with this id; Http404."""
        assignment: Assignment = by_public_id(_assignments_of(self), public_id)
        return assignment

    def locked(self, public_id: UUID) -> tuple[Annotator, Assignment]:
        """The caller, whose row is locked to the end of the transaction, and their assignment, which is as If-Match
        says. Raises Http404, Changed, Busy."""
        annotator = self.annotator
        locks.annotator(annotator)
        assignment = self.assignment(public_id)
        require_unchanged(self.request, self.get_serializer(assignment).data)
        return annotator, assignment

    def shown_again(self, assignment: Assignment) -> Response:
        """The assignment as it is now."""
        return Response(self.get_serializer(_assignments_of(self).get(pk=assignment.pk)).data)

    def parsed(
        self, kind: type[serializers.Serializer[Any]], assignment: Assignment
    ) -> serializers.Serializer[Any]:
        """The request's body. Raises ValidationError."""
        serializer = kind(data=self.request.data, context={"assignment": assignment})
        serializer.is_valid(raise_exception=True)
        refuse_unknown(serializer, self.request.data)
        return serializer


def _assignments_of(view: AnnotatorEndpoint) -> "QuerySet[Assignment]":
    rows = Assignment.objects.select_related("task__prompt", "project").filter(
        task__prompt__withdrawn_at=None
    )
    return rows.filter(annotator=view.annotator) if hasattr(view, "project") else rows.none()


class NextTask(AnnotatorEndpoint):
    """The queue."""

    tag = "Judging"
    serializer_class = AssignmentDetailSerializer

    @bodiless(responses={200: AssignmentDetailSerializer, 204: None})
    def post(self, request: Request, slug: str) -> Response:
        """Take the next task, or get the one in hand again; 204 where nothing is left for this annotator."""
        assignment = queue.claim(annotator=self.annotator)
        if assignment is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        return Response(self.get_serializer(assignment).data)


class Assignments(ListAPIView[Assignment], AnnotatorEndpoint):
    """What this annotator has and had in hand."""

    tag = "Judging"
    serializer_class = AssignmentSerializer
    filters = {
        "status": Filter("status", "With this status", tuple(Assignment.Status.values)),
        "sent_back": Filter("is_sent_back", "Whether a reviewer sent the answer back", type=boolean),
    }

    def get_queryset(self) -> "QuerySet[Assignment]":
        sent_back = Demonstration.objects.current().filter(assignment=OuterRef("pk"), review=SENT_BACK)
        return _assignments_of(self).filter(ahead=False).alias(is_sent_back=Exists(sent_back))


class OneAssignment(AssignmentEndpoint):
    """One assignment of this annotator."""

    conditional = True

    def get(self, request: Request, slug: str, id: UUID) -> Response:
        """What is to be judged, and the draft or judgement."""
        return tagged(self.get_serializer(self.assignment(id)).data)


@extend_schema_view(put=extend_schema(request=DraftSerializer, responses=AssignmentDetailSerializer))
class Draft(AssignmentEndpoint):
    """The draft of a judgement."""

    conditional = True

    def put(self, request: Request, slug: str, id: UUID) -> Response:
        """Keep a judgement as far as it has come, and renew the lease.

        With the assignment's ETag as If-Match it is refused where another of your devices kept one meanwhile.
        """
        return tagged(self.shown_again(_drafted(self, id)).data)


@write
def _drafted(view: Draft, public_id: UUID) -> Assignment:
    """Locks the annotator's row, before what If-Match says is compared."""
    annotator, assignment = view.locked(public_id)
    serializer: Any = view.parsed(DRAFTS[assignment.task.kind], assignment)
    queue.renew(assignment=assignment, annotator=annotator, draft=serializer.draft())
    return assignment


@extend_schema_view(post=extend_schema(request=JudgementSerializer, responses=AssignmentDetailSerializer))
class Submit(AssignmentEndpoint):
    """The order of a task of kind "rank"."""

    def post(self, request: Request, slug: str, id: UUID) -> Response:
        """Store the judgement and close the task. Submitting it again changes nothing and answers the first."""
        assignment = self.assignment(id)
        serializer = self.parsed(JudgementSerializer, assignment)
        assert isinstance(serializer, JudgementSerializer)
        ranking.submit(assignment=assignment, annotator=self.annotator, **serializer.judgement())
        return self.shown_again(assignment)


@extend_schema_view(post=extend_schema(request=ScoresSerializer, responses=AssignmentDetailSerializer))
class Rate(AssignmentEndpoint):
    """The scores of a task of kind "rate"."""

    def post(self, request: Request, slug: str, id: UUID) -> Response:
        """Store the scores and close the task. Sent again it changes nothing and answers the first."""
        assignment = self.assignment(id)
        serializer = self.parsed(ScoresSerializer, assignment)
        assert isinstance(serializer, ScoresSerializer)
        rating.submit(assignment=assignment, annotator=self.annotator, **serializer.judgement())
        return self.shown_again(assignment)


@extend_schema_view(post=extend_schema(request=WrittenSerializer, responses=AssignmentDetailSerializer))
class Write(AssignmentEndpoint):
    """The answer to a task of kind "demonstrate"."""

    def post(self, request: Request, slug: str, id: UUID) -> Response:
        """Store the answer and close the task. Sent again it changes nothing and answers the first."""
        assignment = self.assignment(id)
        serializer = self.parsed(WrittenSerializer, assignment)
        assert isinstance(serializer, WrittenSerializer)
        demonstrating.submit(assignment=assignment, annotator=self.annotator, **serializer.judgement())
        return self.shown_again(assignment)


@extend_schema_view(post=extend_schema(request=ReasonSerializer, responses=AssignmentDetailSerializer))
class Skip(AssignmentEndpoint):
    """A task passed on."""

    def post(self, request: Request, slug: str, id: UUID) -> Response:
        """Pass the task on to others, with the reason; it does not come back."""
        assignment = self.assignment(id)
        reason = self.parsed(ReasonSerializer, assignment).validated_data["reason"]
        queue.skip(assignment=assignment, annotator=self.annotator, reason=reason)
        return self.shown_again(assignment)


class Release(AssignmentEndpoint):
    """A task handed back."""

    @bodiless(responses=AssignmentDetailSerializer)
    def post(self, request: Request, slug: str, id: UUID) -> Response:
        """Hand the task back unjudged; it may come again."""
        assignment = self.assignment(id)
        queue.release(assignment=assignment, annotator=self.annotator)
        return self.shown_again(assignment)


@extend_schema_view(post=extend_schema(request=NewFlagSerializer, responses=AssignmentDetailSerializer))
class RaiseFlag(AssignmentEndpoint):
    """A task that somebody should look at."""

    def post(self, request: Request, slug: str, id: UUID) -> Response:
        """Say what is wrong with the task, and keep it or pass it on."""
        assignment = self.assignment(id)
        fields = self.parsed(NewFlagSerializer, assignment).validated_data
        flags.raise_flag(assignment=assignment, annotator=self.annotator, **fields)
        return self.shown_again(assignment)
