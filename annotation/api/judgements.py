"""What people said: rankings, ratings, demonstrations, and how far they agree."""

from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ProjectEndpoint, by_public_id
from annotation.api.paging import EitherWay
from annotation.models import Demonstration, Ranking, Rating, TaskCompletion
from annotation.quality import agreement


class RankingSerializer(serializers.ModelSerializer[Ranking]):
    """One annotator's order of a task's completions. Never changed, only superseded."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    task = serializers.UUIDField(source="task.public_id", read_only=True)
    annotator = serializers.UUIDField(source="annotator.public_id", read_only=True)
    completions = serializers.SerializerMethodField(help_text="Ids, in the order of their places in the task")
    tiers = serializers.ListField(
        child=serializers.IntegerField(),
        read_only=True,
        help_text="Of each completion: 1 is best, equal is a tie",
    )
    order_shown = serializers.ListField(
        child=serializers.IntegerField(),
        read_only=True,
        allow_null=True,
        help_text="Places in the order in which the annotator saw them",
    )
    confidence = serializers.ChoiceField(choices=Ranking.Confidence.choices, allow_blank=True, read_only=True)
    current = serializers.BooleanField(source="is_current", read_only=True)
    supersedes = serializers.UUIDField(
        source="supersedes.public_id", read_only=True, allow_null=True, default=None
    )
    metadata = serializers.DictField(read_only=True)

    class Meta:
        model = Ranking
        fields = (
            "id",
            "task",
            "annotator",
            "verdict",
            "completions",
            "tiers",
            "order_shown",
            "confidence",
            "rationale",
            "strength",
            "active_seconds",
            "guideline_version",
            "current",
            "supersedes",
            "metadata",
            "created_at",
        )
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.UUIDField()))
    def get_completions(self, ranking: Ranking) -> list[str]:
        return [str(entry.completion.public_id) for entry in ranking.task.entries.all()]


class RatingSerializer(serializers.ModelSerializer[Rating]):
    """One annotator's score of one completion on a named axis."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    completion = serializers.UUIDField(source="completion.public_id", read_only=True)
    annotator = serializers.UUIDField(source="annotator.public_id", read_only=True)
    current = serializers.BooleanField(source="is_current", read_only=True)
    metadata = serializers.DictField(read_only=True)

    class Meta:
        model = Rating
        fields = (
            "id",
            "completion",
            "annotator",
            "axis",
            "score",
            "active_seconds",
            "guideline_version",
            "current",
            "metadata",
            "created_at",
        )
        read_only_fields = fields


class DemonstrationSerializer(serializers.ModelSerializer[Demonstration]):
    """An answer that a person wrote."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    prompt = serializers.UUIDField(source="prompt.public_id", read_only=True)
    source = serializers.CharField(source="source.name", read_only=True)  # type: ignore[assignment]  # what clients call it
    current = serializers.BooleanField(source="is_current", read_only=True)
    metadata = serializers.DictField(read_only=True)

    class Meta:
        model = Demonstration
        fields = (
            "id",
            "prompt",
            "source",
            "text",
            "review",
            "comment",
            "edited",
            "current",
            "metadata",
            "created_at",
        )
        read_only_fields = fields


class IntervalSerializer(serializers.Serializer[Any]):
    """A statistic with its 95% interval."""

    value = serializers.FloatField(read_only=True)
    interval = serializers.ListField(child=serializers.FloatField(), read_only=True, allow_null=True)


class KappaSerializer(serializers.Serializer[Any]):
    """Cohen's kappa of two annotators."""

    annotators = serializers.ListField(child=serializers.CharField(), read_only=True)
    kappa = serializers.FloatField(read_only=True, allow_null=True)
    pairs = serializers.IntegerField(read_only=True)


class AgreementSerializer(serializers.Serializer[Any]):
    """How far annotators agree (docs/algorithms.md); null where there is nothing to measure."""

    project = serializers.CharField(read_only=True)
    pairwise_agreement = serializers.FloatField(read_only=True, allow_null=True)
    krippendorff_alpha = serializers.FloatField(read_only=True, allow_null=True)
    kendall_tau_b = serializers.FloatField(read_only=True, allow_null=True)
    cohen_kappa = KappaSerializer(many=True, read_only=True)
    statistics = serializers.DictField(
        child=IntervalSerializer(allow_null=True), read_only=True, help_text="By name, each with its interval"
    )
    ratings = serializers.ListField(
        child=serializers.DictField(),
        read_only=True,
        help_text="What people say of each axis: scores, texts that several scored, alpha and icc",
    )
    counts = serializers.DictField(child=serializers.IntegerField(), read_only=True)


class Rankings(ListAPIView[Ranking], ProjectEndpoint):
    """The project's rankings, superseded ones too."""

    tag = "Judgements"
    serializer_class = RankingSerializer
    pagination_class = EitherWay
    kind_of_data = "rankings"

    def get_queryset(self) -> "QuerySet[Ranking]":
        return rankings_of(self)


class OneRanking(ProjectEndpoint):
    """One ranking."""

    tag = "Judgements"
    serializer_class = RankingSerializer

    def get(self, request: Request, slug: str, id: UUID) -> Response:
        """What one annotator said of one task."""
        return Response(self.get_serializer(by_public_id(rankings_of(self), id)).data)


class Ratings(ListAPIView[Rating], ProjectEndpoint):
    """The project's ratings."""

    tag = "Judgements"
    serializer_class = RatingSerializer
    pagination_class = EitherWay
    kind_of_data = "ratings"

    def get_queryset(self) -> "QuerySet[Rating]":
        return self.of_project(Rating.objects.kept().select_related("completion", "annotator"))


class OneRating(ProjectEndpoint):
    """One rating."""

    tag = "Judgements"
    serializer_class = RatingSerializer

    def get(self, request: Request, slug: str, id: UUID) -> Response:
        """What one annotator scored."""
        rows = self.of_project(Rating.objects.kept().select_related("completion", "annotator"))
        return Response(self.get_serializer(by_public_id(rows, id)).data)


class Demonstrations(ListAPIView[Demonstration], ProjectEndpoint):
    """Answers that people wrote."""

    tag = "Judgements"
    serializer_class = DemonstrationSerializer
    pagination_class = EitherWay
    kind_of_data = "demonstrations"

    def get_queryset(self) -> "QuerySet[Demonstration]":
        return self.of_project(Demonstration.objects.kept().select_related("prompt", "source"))


class OneDemonstration(ProjectEndpoint):
    """One demonstration."""

    tag = "Judgements"
    serializer_class = DemonstrationSerializer

    def get(self, request: Request, slug: str, id: UUID) -> Response:
        """What a person wrote."""
        rows = self.of_project(Demonstration.objects.kept().select_related("prompt", "source"))
        return Response(self.get_serializer(by_public_id(rows, id)).data)


class Agreement(ProjectEndpoint):
    """How far the project's annotators agree."""

    tag = "Judgements"
    serializer_class = AgreementSerializer

    @extend_schema(responses=AgreementSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """The same object as ``manage.py agreement``."""
        return Response(agreement.agreement_of(project=self.project))


def rankings_of(view: ProjectEndpoint) -> "QuerySet[Ranking]":
    """Those of the view's project, of nobody and nothing withdrawn."""
    entries = TaskCompletion.objects.select_related("completion").only(
        "task", "position", "completion__public_id"
    )
    rows = Ranking.objects.kept().select_related("task", "annotator", "supersedes")
    return view.of_project(rows.prefetch_related(Prefetch("task__entries", entries)))
