"""Totals of judgements that no database holds."""

from collections.abc import Sequence

from annotation.preferences.tally import Judgement, Scope, Total, contributions

WEEK = "2026-W48"
Tiers = Sequence[int]


def judged(tiers: Tiers, annotator: int | None, shown: Sequence[int] | None = None) -> Judgement:
    """A ranking that took nobody knows how long."""
    return Judgement(annotator, "ranked", tiers, shown, None, WEEK)


def total_of(tasks: Sequence[Sequence[Judgement]], scope: Scope, lengths: Sequence[int] = (1,) * 9) -> Total:
    """What the tasks add to one scope, all of completions of these lengths."""
    total = Total(scope.kind)
    for judgements in tasks:
        vector = contributions(judgements, lengths).get(scope)
        if vector is not None:
            total.add(vector)
    return total
