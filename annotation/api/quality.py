"""How far people agree and what their habits are: what the page of quality shows."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import ProjectEndpoint
from annotation.api.judgements import IntervalSerializer
from annotation.counting import MOST
from annotation.quality import summary, upkeep

# Changes counted before the answer; the rest waits for the sweep, and ``uncounted`` says so.
COUNTED_AT_ONCE = 200


class _Counted(serializers.Serializer[Any]):
    """Counts, and statistics with their intervals; null where there is nothing to measure."""

    counts = serializers.DictField(child=serializers.FloatField(), read_only=True)
    figures = serializers.DictField(child=IntervalSerializer(allow_null=True), read_only=True)


class OfAnnotatorSerializer(_Counted):
    """One annotator's."""

    annotator = serializers.UUIDField(source="annotator.public_id", read_only=True)
    pseudonym = serializers.CharField(source="annotator.pseudonym", read_only=True)


class OfWeekSerializer(_Counted):
    """One week's, by its ISO name."""

    week = serializers.CharField(read_only=True)
    hours = serializers.FloatField(read_only=True, help_text="Active time, as far as it was measured")


class OfPairSerializer(serializers.Serializer[Any]):
    """Two annotators who judged the same tasks."""

    annotators = serializers.SerializerMethodField()
    tasks = serializers.IntegerField(read_only=True)
    kappa = IntervalSerializer(allow_null=True, read_only=True)

    def get_annotators(self, pair: summary.Pair) -> list[str]:
        return [str(pair.annotator.public_id), str(pair.other.public_id)]


class QualitySerializer(_Counted):
    """Everything that is known of a project's judgements. The busiest annotators and pairs, and the newest weeks."""

    tasks = serializers.IntegerField(read_only=True)
    annotators = OfAnnotatorSerializer(source="people", many=True, read_only=True)
    more_annotators = serializers.IntegerField(source="more_people", read_only=True)
    pairs = OfPairSerializer(many=True, read_only=True)
    weeks = OfWeekSerializer(many=True, read_only=True)
    uncounted = serializers.IntegerField(
        source="uncounted.number",
        read_only=True,
        help_text=f"Changes that are not in the figures yet, counted to {MOST:,}",
    )
    simulated = serializers.IntegerField(
        read_only=True, help_text="How many of the rankings in them are by simulated annotators"
    )


class QualityStatistics(ProjectEndpoint):
    """How well the project is judged."""

    tag = "Judgements"
    serializer_class = QualitySerializer

    @extend_schema(responses=QualitySerializer)
    def get(self, request: Request, slug: str) -> Response:
        """Agreement and habits with their intervals, overall, by annotator, pair and week."""
        upkeep.count(project=self.project, most=COUNTED_AT_ONCE)
        return Response(self.get_serializer(summary.of(self.project)).data)
