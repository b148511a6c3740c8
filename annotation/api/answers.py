"""What a program says of a task, as far as it has come or whole: ranks, scores on axes, or an answer of its own."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils import timezone
from rest_framework import serializers

from annotation.collecting import rating, shown
from annotation.forms.ranking import LONGEST_RATIONALE, LONGEST_REASON
from annotation.forms.rating import CANNOT_SAY, field_name
from annotation.models import Assignment, Ranking, Task


class TimedSerializer(serializers.Serializer[Any]):
    """What every judgement may say: how long somebody was at it."""

    active_seconds = serializers.FloatField(
        min_value=0,
        required=False,
        allow_null=True,
        help_text="Seconds that somebody was at it; no more count than have passed since the task was opened",
    )

    def validate_active_seconds(self, seconds: float | None) -> float | None:
        """No more than the time since the task was opened, whatever the client's clock did."""
        elapsed = (timezone.now() - self.context["assignment"].opened_at).total_seconds()
        return None if seconds is None else min(seconds, max(0.0, elapsed))


class RankingDraftSerializer(TimedSerializer):
    """A judgement as far as it has come: every field may be left out."""

    ranks = serializers.DictField(
        child=serializers.IntegerField(min_value=1, max_value=9),
        required=False,
        help_text="By letter: 1 is best, equal ranks are a tie",
    )
    verdict = serializers.ChoiceField(
        choices=Ranking.Verdict.choices,
        required=False,
        help_text="Whether there is an order: ranked, or all_bad or cannot_tell with a reason",
    )
    reason = serializers.CharField(
        max_length=LONGEST_REASON, required=False, allow_blank=True, help_text="Why none can be ranked"
    )
    confidence = serializers.ChoiceField(
        choices=Ranking.Confidence.choices,
        required=False,
        allow_blank=True,
        help_text="How sure the annotator is of the order; empty where they do not say",
    )
    rationale = serializers.CharField(
        max_length=LONGEST_RATIONALE,
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        help_text="Why this order, in the annotator's words",
    )
    strength = serializers.IntegerField(
        min_value=1,
        max_value=3,
        required=False,
        allow_null=True,
        help_text="Of two that are not tied: how much better one is, 1 slightly, 2 better, 3 much",
    )

    def validate_ranks(self, ranks: dict[str, int]) -> dict[str, int]:
        """Of letters that were shown."""
        unknown = sorted(set(ranks) - set(shown.letters(self.context["assignment"])))
        if unknown:
            raise serializers.ValidationError(f"No completion was shown as {', '.join(unknown)}.")
        return ranks

    def draft(self) -> dict[str, Any]:
        """As the page's form keeps it."""
        return {"ranks": {}, **self.validated_data}


class JudgementSerializer(RankingDraftSerializer):
    """A whole judgement: a rank for every letter, or a verdict without an order and its reason."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Every letter, where there is an order."""
        attrs.setdefault("verdict", Ranking.Verdict.RANKED)
        letters = shown.letters(self.context["assignment"])
        missing = [letter for letter in letters if letter not in attrs.get("ranks", {})]
        if attrs["verdict"] == Ranking.Verdict.RANKED and missing:
            raise serializers.ValidationError({"ranks": [f"{', '.join(missing)} have no rank yet."]})
        return attrs

    def judgement(self) -> dict[str, Any]:
        """The arguments of ``ranking.submit``, the assignment and the annotator apart."""
        answer = self.validated_data
        ranked = answer["verdict"] == Ranking.Verdict.RANKED
        order = self.context["assignment"].order_shown
        return {
            "verdict": answer["verdict"],
            "ranks": shown.ranks_by_place(order, answer["ranks"]) if ranked else (),
            "confidence": answer.get("confidence", ""),
            "rationale": answer.get("rationale", "").strip(),
            "reason": "" if ranked else answer.get("reason", ""),
            "active_seconds": answer.get("active_seconds"),
            "strength": answer.get("strength") if ranked else None,
        }


class ScoresField(serializers.DictField):
    """By letter, then by the axis' name; null is "cannot say"."""

    child = serializers.DictField(child=serializers.IntegerField(allow_null=True))


class ScoresSerializer(TimedSerializer):
    """Scores of every completion on every axis."""

    scores = ScoresField(help_text='By letter, then by the axis\' name; null is "cannot say"')

    def validate_scores(self, scores: dict[str, dict[str, int | None]]) -> dict[str, dict[str, int | None]]:
        """Of letters that were shown."""
        refuse_unknown(self.context["assignment"], scores)
        return scores

    def judgement(self) -> dict[str, Any]:
        """The arguments of ``rating.submit``, the assignment and the annotator apart."""
        assignment, answer = self.context["assignment"], self.validated_data
        by_place: list[dict[str, int | None]] = [{} for _ in assignment.order_shown]
        for letter, place in zip(shown.letters(assignment), assignment.order_shown, strict=True):
            by_place[place] = answer["scores"].get(letter, {})
        return {"scores": by_place, "active_seconds": answer.get("active_seconds")}


class WrittenSerializer(TimedSerializer):
    """An answer to the prompt."""

    text = serializers.CharField(
        trim_whitespace=False,
        max_length=settings.MAX_TEXT_BYTES,
        help_text="The answer, kept as it was typed",
    )

    def judgement(self) -> dict[str, Any]:
        """The arguments of ``demonstrating.submit``, the assignment and the annotator apart."""
        return {
            "text": self.validated_data["text"],
            "active_seconds": self.validated_data.get("active_seconds"),
        }


class RatingDraftSerializer(TimedSerializer):
    """Scores as far as they have come."""

    scores = ScoresField(
        required=False,
        help_text='By letter, then by the axis\' name; null is "cannot say"',
    )

    def validate_scores(self, scores: dict[str, dict[str, int | None]]) -> dict[str, dict[str, int | None]]:
        """Of letters and axes that were shown."""
        refuse_unknown(self.context["assignment"], scores)
        return scores

    def draft(self) -> dict[str, Any]:
        """As the page's form keeps it."""
        scores = self.validated_data.get("scores", {})
        kept = {
            field_name(letter, axis): CANNOT_SAY if score is None else str(score)
            for letter, by_axis in scores.items()
            for axis, score in by_axis.items()
        }
        return {**kept, "active_seconds": self.validated_data.get("active_seconds")}


class DemonstrationDraftSerializer(TimedSerializer):
    """An answer as far as it has come."""

    text = serializers.CharField(
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        max_length=settings.MAX_TEXT_BYTES,
        help_text="The answer as far as it is written",
    )

    def draft(self) -> dict[str, Any]:
        """As the page's form keeps it."""
        answer = self.validated_data
        return {"text": answer.get("text", ""), "active_seconds": answer.get("active_seconds")}


def refuse_unknown(assignment: Assignment, scores: Mapping[str, Mapping[str, Any]]) -> None:
    """Raises ValidationError for a letter that was not shown or an axis that the project does not have."""
    letters = shown.letters(assignment)
    axes = {axis.name for axis in rating.axes_of(assignment.project)}
    for letter, by_axis in scores.items():
        if letter not in letters:
            raise serializers.ValidationError(f"No completion was shown as {letter}.")
        unknown = sorted(set(by_axis) - axes)
        if unknown:
            raise serializers.ValidationError(f"There is no axis {unknown[0]!r}.")


class DraftSerializer(serializers.Serializer[Any]):
    """A judgement as far as it has come, of whatever kind the task is: what belongs to it may all be left out."""

    ranks = serializers.DictField(
        child=serializers.IntegerField(),
        required=False,
        help_text="Of a task to rank, by letter: 1 is best, equal ranks are a tie",
    )
    verdict = serializers.ChoiceField(
        choices=Ranking.Verdict.choices,
        required=False,
        help_text="Of a task to rank: whether there is an order: ranked, or all_bad or cannot_tell with a reason",
    )
    reason = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text="Of a task to rank: why none can be ranked",
    )
    confidence = serializers.ChoiceField(
        choices=Ranking.Confidence.choices,
        required=False,
        allow_blank=True,
        help_text="Of a task to rank: how sure the annotator is of the order",
    )
    rationale = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text="Of a task to rank: why this order",
    )
    strength = serializers.IntegerField(
        required=False,
        allow_null=True,
        help_text="Of two that are not tied: how much better one is, 1 slightly, 2 better, 3 much",
    )
    scores = ScoresField(
        required=False,
        help_text='Of a task to rate: by letter, then by the axis\' name; null is "cannot say"',
    )
    text = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text="Of a task to demonstrate: the answer",
    )
    active_seconds = serializers.FloatField(
        required=False,
        allow_null=True,
        help_text="Seconds that somebody was at it; no more count than have passed since the task was opened",
    )


# What parses the draft of each kind of task.
DRAFTS: "dict[str, type[RankingDraftSerializer | RatingDraftSerializer | DemonstrationDraftSerializer]]" = {
    Task.Kind.RANK: RankingDraftSerializer,
    Task.Kind.RATE: RatingDraftSerializer,
    Task.Kind.DEMONSTRATE: DemonstrationDraftSerializer,
}
