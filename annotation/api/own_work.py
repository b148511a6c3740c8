"""What an annotator judged and how far they are, as their own page says it: nothing of others, and no sign of which of
it was a gold task or came again."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.base import AnnotatorEndpoint
from annotation.collecting import history, progress
from annotation.models import Task

TAG = "Judging"


class JudgedSerializer(serializers.Serializer[Any]):
    """One submitted task, in few words."""

    id = serializers.UUIDField(
        source="assignment.public_id", read_only=True, help_text="The assignment's, for revise/"
    )
    kind = serializers.ChoiceField(source="assignment.task.kind", choices=Task.Kind.choices, read_only=True)
    submitted_at = serializers.DateTimeField(
        source="when", read_only=True, help_text="When it was first submitted"
    )
    prompt = serializers.CharField(read_only=True, help_text="The beginning of what was asked last")
    answer = serializers.CharField(read_only=True, help_text="What was done with it, in a word or two")
    detail = serializers.CharField(
        read_only=True, help_text="The order by letter, the scores, or the beginning of the text"
    )
    may_change = serializers.BooleanField(read_only=True, help_text="Whether revise/ still takes another")
    comment = serializers.CharField(read_only=True, help_text="A reviewer's, of a text")
    sent_back = serializers.BooleanField(read_only=True, help_text="Whether a reviewer sent the text back")


class HistoryQuerySerializer(serializers.Serializer[Any]):
    """Which of it."""

    q = serializers.CharField(
        required=False,
        max_length=200,
        help_text="Only where the prompt has all of these words, in any order",
    )


class HistorySerializer(serializers.Serializer[Any]):
    """What was judged."""

    judged = JudgedSerializer(
        many=True, read_only=True, help_text=f"What was sent back, then the newest {history.MOST} of all"
    )


class History(AnnotatorEndpoint):
    """What this annotator judged."""

    tag = TAG
    serializer_class = HistorySerializer
    query_class = HistoryQuerySerializer

    @extend_schema(responses=HistorySerializer)
    def get(self, request: Request, slug: str) -> Response:
        """What you judged, the newest first, or that whose prompts have all the words; older work is there by words."""
        entries = history.recent(self.annotator, self.queried().get("q", ""))
        return Response(self.get_serializer({"judged": entries}).data)


class LeftSerializer(serializers.Serializer[Any]):
    """How many tasks wait for the annotator."""

    number = serializers.IntegerField(read_only=True, help_text="Tasks, as exactly as the bound says")
    bound = serializers.ChoiceField(
        choices=["exact", "at_most", "more_than"],
        read_only=True,
        help_text="Whether there are so many, so many at most, or more than are counted",
    )


class ProgressSerializer(serializers.Serializer[Any]):
    """How far an annotator is: their own figures alone. Days begin at midnight UTC."""

    left = LeftSerializer(
        source="left_shown",
        read_only=True,
        allow_null=True,
        help_text="What waits; null while you are paused",
    )
    today = serializers.IntegerField(read_only=True, help_text="Tasks submitted today")
    in_all = serializers.IntegerField(read_only=True, help_text="Tasks ever submitted")
    seconds_today = serializers.FloatField(
        source="times.today", read_only=True, help_text="Active time of today"
    )
    seconds_in_all = serializers.FloatField(
        source="times.in_all", read_only=True, help_text="Active time of everything"
    )
    pace_today = serializers.FloatField(
        source="pace",
        read_only=True,
        allow_null=True,
        help_text="Median active seconds of a judgement today; null before one was timed",
    )
    pace_in_all = serializers.FloatField(
        read_only=True,
        allow_null=True,
        help_text=f"The same of the newest {progress.PACED:,}, of whatever day; null before one was timed",
    )
    to_review = serializers.IntegerField(
        read_only=True,
        help_text=f"Answers of others that wait for a review, counted to {progress.COUNTED + 1}",
    )
    sent_back = serializers.IntegerField(
        read_only=True, help_text="Your answers that a reviewer sent back and wait for revise/"
    )


class Progress(AnnotatorEndpoint):
    """How far this annotator is."""

    tag = TAG
    serializer_class = ProgressSerializer

    @extend_schema(responses=ProgressSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """How far you are: what is left for you, what you did, and how long it took."""
        return Response(self.get_serializer(progress.of(self.annotator)).data)
