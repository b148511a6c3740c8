"""Quality control: gold tasks, decisions where annotators disagree, and who gets tasks at all."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ProjectEndpoint, by_public_id
from annotation.api.judgements import RankingSerializer, rankings_of
from annotation.api.projects import AnnotatorSerializer
from annotation.checking import adjudication, control, standing
from annotation.models import Annotator, Task
from annotation.preferences.tiers import LEAST_COMPLETIONS, MOST_COMPLETIONS

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

    @extend_schema(responses={204: None})
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


def annotators_of(view: ProjectEndpoint) -> Any:
    """Those of the view's project, but for who withdrew."""
    return view.of_project(Annotator.objects.filter(withdrawn_at=None))
