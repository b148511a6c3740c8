"""Quality control: gold tasks, decisions where annotators disagree, and who gets tasks at all."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ProjectEndpoint, bodiless, by_public_id
from annotation.api.judgements import RankingSerializer, rankings_of
from annotation.api.paging import NewestFirst
from annotation.api.projects import AnnotatorSerializer
from annotation.checking import adjudication, control, standing
from annotation.models import Annotator, StandingChange, Task
from annotation.preferences.tiers import LEAST_COMPLETIONS, MOST_COMPLETIONS
from annotation.quality import work

TAG = "Quality control"


class NewGoldSerializer(serializers.Serializer[Any]):
    """Which tasks, and whose order of each is the expert's."""

    tasks = serializers.ListField(
        child=serializers.CharField(max_length=200),
        required=False,
        min_length=1,
        help_text="Ids or keys; without them all that the annotator put in an order",
    )
    annotator = serializers.UUIDField(
        required=False, help_text="Whose order it is; without it the only one that there is"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One of the two at least."""
        if not attrs:
            raise serializers.ValidationError("Name an annotator, or tasks.")
        return attrs


class MadeGoldSerializer(serializers.Serializer[Any]):
    """Those that are gold now."""

    tasks = serializers.ListField(child=serializers.UUIDField(), read_only=True, help_text="Ids")


class Gold(ProjectEndpoint):
    """Tasks with an expert's order, which annotators are measured by."""

    tag = TAG
    serializer_class = MadeGoldSerializer

    @extend_schema(request=NewGoldSerializer, responses={201: MadeGoldSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Make tasks gold by what somebody ranked. They give up their slots, and their rankings enter no snapshot."""
        fields = self.requested(NewGoldSerializer)
        marked = control.mark_gold(
            project=self.project,
            tasks=fields.get("tasks", ()),
            from_annotator=self._pseudonym(fields["annotator"]) if "annotator" in fields else None,
        )
        data = {"tasks": [task.public_id for task in marked]}
        return Response(self.get_serializer(data).data, status=status.HTTP_201_CREATED)

    def _pseudonym(self, public_id: UUID) -> str:
        """Raises ValidationError where the project has no such annotator."""
        annotator = annotators_of(self).filter(public_id=public_id).first()
        if annotator is None:
            raise serializers.ValidationError({"annotator": [f"There is no annotator {public_id}."]})
        return str(annotator.pseudonym)


class OneGold(ProjectEndpoint):
    """One gold task."""

    tag = TAG

    @bodiless(responses={204: None})
    def delete(self, request: Request, slug: str, id: UUID) -> Response:
        """Make it an ordinary task again: it gets its slots back, and its rankings count."""
        task = by_public_id(Task.objects.gold().filter(project=self.project), id)
        control.unmark_gold(project=self.project, tasks=[task])
        return Response(status=status.HTTP_204_NO_CONTENT)


class DisagreementSerializer(serializers.Serializer[Any]):
    """A task whose annotators agree on too few pairs."""

    task = serializers.UUIDField(source="task.public_id", read_only=True)
    agreement = serializers.FloatField(read_only=True, help_text="The share of pairs that they agree on")
    rankings = serializers.SerializerMethodField(help_text="Ids, one an annotator")

    @extend_schema_field(serializers.ListField(child=serializers.UUIDField()))
    def get_rankings(self, disagreement: adjudication.Disagreement) -> list[str]:
        return [str(ranking.public_id) for ranking in disagreement.rankings]


class DisagreementsSerializer(serializers.Serializer[Any]):
    """Those that nobody decided yet, the worst first: as many as the page shows."""

    adjudicate_below = serializers.FloatField(
        read_only=True, allow_null=True, help_text="The project's setting; null lists none"
    )
    undecided = DisagreementSerializer(many=True, read_only=True)


class Disagreements(ProjectEndpoint):
    """Where annotators disagree."""

    tag = TAG
    serializer_class = DisagreementsSerializer

    @extend_schema(responses=DisagreementsSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """Tasks below the project's threshold that everybody is done with and nobody decided."""
        undecided = adjudication.undecided(project=self.project)
        data = {"adjudicate_below": self.project.adjudicate_below, "undecided": undecided}
        return Response(self.get_serializer(data).data)


class DecisionSerializer(serializers.Serializer[Any]):
    """A researcher's order of a task's completions."""

    tiers = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=MOST_COMPLETIONS),
        min_length=LEAST_COMPLETIONS,
        max_length=MOST_COMPLETIONS,
        help_text="Of each completion, in the order of their places: 1 is best, equal is a tie",
    )
    rationale = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=5000,
        help_text="Why this order",
    )


@extend_schema_view(post=extend_schema(request=DecisionSerializer, responses={201: RankingSerializer}))
class Decide(ProjectEndpoint):
    """A task that annotators disagree on."""

    tag = TAG
    serializer_class = RankingSerializer

    def post(self, request: Request, slug: str, id: UUID) -> Response:
        """Decide it, once. What annotators said stays; the settings say which of the two snapshots hold."""
        task = by_public_id(Task.objects.ranked().filter(project=self.project), id)
        fields = self.requested(DecisionSerializer)
        decision = adjudication.decide(
            project=self.project,
            task=task,
            user=self.account,
            ranks=fields["tiers"],
            rationale=fields.get("rationale", ""),
        )
        shown = rankings_of(self).get(pk=decision.pk)
        return Response(self.get_serializer(shown).data, status=status.HTTP_201_CREATED)


class WhySerializer(serializers.Serializer[Any]):
    """The reason, which the annotator reads."""

    why = serializers.CharField(
        max_length=500,
        help_text="What the annotator is told",
    )


class StandingEndpoint(ProjectEndpoint):
    """Whether an annotator gets tasks."""

    tag = TAG
    serializer_class = AnnotatorSerializer

    def change(self, public_id: UUID, step: Any) -> Response:
        """Take the step for the reason that the request says."""
        annotator = get_object_or_404(annotators_of(self), public_id=public_id)
        step(annotator=annotator, by=self.account, **self.requested(WhySerializer))
        return Response(self.get_serializer(annotators_of(self).get(pk=annotator.pk)).data)


@extend_schema_view(post=extend_schema(request=WhySerializer, responses=AnnotatorSerializer))
class Pause(StandingEndpoint):
    """An annotator who is to judge no more for now."""

    def post(self, request: Request, slug: str, id: UUID) -> Response:
        """Give them no more tasks; what they hold they may finish."""
        return self.change(id, standing.pause)


@extend_schema_view(post=extend_schema(request=WhySerializer, responses=AnnotatorSerializer))
class Resume(StandingEndpoint):
    """An annotator who was warned or paused."""

    def post(self, request: Request, slug: str, id: UUID) -> Response:
        """Give them tasks again, or take a warning back; their figures start anew."""
        return self.change(id, standing.resume)


class MeanSerializer(serializers.Serializer[Any]):
    """A mean of an annotator's newest judgements, from 0 to 1, with its 95% interval."""

    value = serializers.FloatField(read_only=True, help_text="The mean")
    number = serializers.IntegerField(read_only=True, help_text="Of how many judgements")
    interval = serializers.ListField(
        child=serializers.FloatField(),
        read_only=True,
        allow_null=True,
        help_text="From where to where it lies with 95%; null of a single judgement",
    )


class CountSerializer(serializers.Serializer[Any]):
    """How much of one kind somebody judged."""

    number = serializers.IntegerField(read_only=True, help_text="Current judgements that were counted")
    more = serializers.BooleanField(read_only=True, help_text="Whether there are more than were counted")


class WorkSerializer(serializers.Serializer[Any]):
    """How much somebody judged."""

    rankings = CountSerializer(read_only=True, help_text="Orders of a task's completions")
    ratings = CountSerializer(read_only=True, help_text="Completions scored, each with all its axes as one")
    demonstrations = CountSerializer(read_only=True, help_text="Answers that they wrote themselves")
    reviews = CountSerializer(read_only=True, help_text="Answers of others that they decided about")
    seconds = serializers.FloatField(read_only=True, help_text="Active time of what was timed")


class FiguresSerializer(serializers.Serializer[Any]):
    """How one annotator judges: what the page of annotators shows of them."""

    annotator = AnnotatorSerializer(
        read_only=True, help_text="Whose figures they are; simulated says of a program"
    )
    judged = WorkSerializer(read_only=True, help_text="How much they judged")
    gold = MeanSerializer(
        source="figures.gold",
        read_only=True,
        allow_null=True,
        help_text="Nearness to the expert's order: 1 is the same, 0.5 chance; null of nobody who ranked gold tasks",
    )
    consistency = MeanSerializer(
        source="figures.consistency",
        read_only=True,
        allow_null=True,
        help_text="Nearness to their own earlier order of tasks that came again: 1 is the same, 0.5 chance",
    )
    position = MeanSerializer(
        source="figures.position",
        read_only=True,
        allow_null=True,
        help_text="The share of pairs won by the completion shown earlier: 0.5 is no bias",
    )


class AnnotatorFigures(ProjectEndpoint):
    """How one annotator judges."""

    tag = TAG
    serializer_class = FiguresSerializer

    @extend_schema(responses=FiguresSerializer)
    def get(self, request: Request, slug: str, id: UUID) -> Response:
        """An annotator's figures: gold tasks, self-consistency, position, with intervals, and how much they judged."""
        annotator = by_public_id(annotators_of(self), id)
        data = {
            "annotator": annotator,
            "judged": work.of([annotator.pk])[annotator.pk],
            "figures": standing.figures_of(annotator),
        }
        return Response(self.get_serializer(data).data)


class StandingChangeSerializer(serializers.ModelSerializer[StandingChange]):
    """A step of an annotator's standing."""

    changed_by = serializers.CharField(
        source="changed_by.username",
        default=None,
        read_only=True,
        allow_null=True,
        help_text="By username, who took the step; null of the thresholds",
    )
    why = serializers.CharField(read_only=True, help_text="What the annotator read")

    class Meta:
        model = StandingChange
        fields = ("standing", "changed_by", "why", "created_at")
        read_only_fields = fields


class StandingHistory(ListAPIView[StandingChange], ProjectEndpoint):
    """Warnings, pauses and what took them back."""

    tag = TAG
    serializer_class = StandingChangeSerializer
    pagination_class = NewestFirst

    def get_queryset(self) -> "QuerySet[StandingChange]":
        """An annotator's standing, step by step."""
        if not hasattr(self, "project"):
            return StandingChange.objects.none()
        annotator = by_public_id(annotators_of(self), self.kwargs["id"])
        return StandingChange.objects.filter(annotator=annotator).select_related("changed_by")


def annotators_of(view: ProjectEndpoint) -> Any:
    """Those of the view's project, but for who withdrew."""
    return view.of_project(Annotator.objects.filter(withdrawn_at=None))
