"""A run as the API shows it. The endpoints are where the stages are known (console.api.runs)."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from runs.models import Run, RunAnswer
from runs.noting import LONGEST_NOTE, LONGEST_TAG, MOST_TAGS
from runs.waiting import at_work_beside, expected_start


class RunSerializer(serializers.ModelSerializer[Run]):
    """One attempt: its status, how far it is, and what it said at its end."""

    seconds_left = serializers.SerializerMethodField(
        help_text="At the rate so far; null while that is unknown"
    )
    result = serializers.DictField(read_only=True, help_text="What it made: counts, version numbers, figures")

    class Meta:
        model = Run
        fields = (
            "id",
            "kind",
            "status",
            "queue",
            "created_at",
            "started_at",
            "finished_at",
            "attempt",
            "done",
            "total",
            "doing",
            "seconds_left",
            "reason",
            "result",
            "note",
            "tags",
            "archived",
        )
        read_only_fields = fields

    @extend_schema_field(serializers.FloatField(allow_null=True))
    def get_seconds_left(self, run: Run) -> float | None:
        return run.seconds_left(timezone.now())


class DeviceSerializer(serializers.Serializer[Any]):
    """What a run computes on."""

    device = serializers.CharField(help_text="cpu, or the GPU's name")
    processes = serializers.IntegerField(help_text="How many share the run, each with a GPU of its own")
    torch = serializers.CharField(help_text="PyTorch's version")


class RunDetailSerializer(RunSerializer):
    """The same, with when it is likely to begin, what it computes on and the end of its log."""

    expected_start = serializers.SerializerMethodField(
        help_text="When a queued run is likely to begin, by what is at work; null of others, and while that is unknown"
    )
    computed_on = DeviceSerializer(
        read_only=True, allow_null=True, help_text="In its last attempt; null of a run that computes nothing"
    )

    class Meta(RunSerializer.Meta):
        fields = (*RunSerializer.Meta.fields, "expected_start", "computed_on", "log_tail")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_expected_start(self, run: Run) -> datetime | None:
        now = timezone.now()
        if run.status != Run.Status.QUEUED:
            return None
        return expected_start(run, at_work_beside(run, now), now)


class NoteSerializer(serializers.Serializer[Any]):
    """What is written beside a run."""

    note = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=LONGEST_NOTE,
        help_text="Whatever the next reader should know of it; empty takes it away",
    )
    tags = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST_TAG),
        required=False,
        max_length=MOST_TAGS,
        help_text="All of its tags: lists of runs are narrowed by one",
    )
    archived = serializers.BooleanField(
        required=False,
        help_text="true puts it out of the way of lists that ask for archived=false; nothing is deleted",
    )


class LogQuerySerializer(serializers.Serializer[Any]):
    """From where a log is read."""

    offset = serializers.IntegerField(
        required=False,
        default=0,
        min_value=0,
        max_value=2**63 - 1,
        help_text="The byte from which on it is read: next of the piece before",
    )


class LogPieceSerializer(serializers.Serializer[Any]):
    """Some of a run's log, in whole characters."""

    text = serializers.CharField(read_only=True, allow_blank=True, trim_whitespace=False)
    next = serializers.IntegerField(read_only=True, help_text="The byte at which the next piece begins")
    over = serializers.BooleanField(read_only=True, help_text="The run has ended, and no more will come")
    kept = serializers.BooleanField(
        read_only=True,
        help_text="False where an ended run has no log (any more), but for the end of it in log_tail",
    )


class MetricsSerializer(serializers.Serializer[Any]):
    """One line of what a run measured."""

    step = serializers.IntegerField(read_only=True)
    figures = serializers.DictField(read_only=True)


class WatchedAnswerSerializer(serializers.ModelSerializer[RunAnswer]):
    """What a run's policy answers to a watched prompt after so many steps."""

    class Meta:
        model = RunAnswer
        fields = ("step", "prompt_id", "answer", "reward")
        read_only_fields = fields
        extra_kwargs = {
            "step": {"help_text": "Steps that were made; 0 before the first"},
            "answer": {"help_text": "The likeliest, token by token; empty where its prompt was withdrawn"},
            "reward": {"help_text": "The reward model's score; null where it is not finite"},
        }
