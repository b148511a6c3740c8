"""What tasks add to the quality of judgements, summed. Pure: no Django, settings, database, clock or global randomness.

Every statistic is a smooth function of a few totals (preferences.estimates), and a task adds a short vector of numbers
to each. So a total may be kept and moved by one task at a time; its interval needs the sums of products of those
vectors alone.

    contributions   what one task adds, by scope: everybody, one annotator, two annotators; in all or in one week
    Total           how many tasks, their sums, their sums of products: they add up and take away
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from annotation.preferences.agreement import BETTER, TIE, WORSE, categories, tau_b

AGREEMENT, PAIR, HABITS, SCORES = "agreement", "pair", "habits", "scores"

FIELDS: Mapping[str, tuple[str, ...]] = {
    AGREEMENT: (
        "same",
        "compared",
        "tau_sum",
        "tau_pairs",
        "strict_same",
        "strict_opposite",
        "strict_tie",
        "tie_same",
        "unit_agreement",
        "units",
        "said_strict",
        "said_tie",
    ),
    PAIR: ("strict_same", "strict_opposite", "tie_first", "tie_second", "tie_same"),
    HABITS: (
        "rankings",
        "ranked",
        "all_bad",
        "cannot_tell",
        "shown_pairs",
        "earlier_wins",
        "length_pairs",
        "longer_wins",
        "timed",
        "seconds",
        "by_chance",
        "by_doubt",
    ),
    SCORES: ("texts", "scores", "scores_squared", "sum", "squares", "between", "within"),
}


def of_scores(texts: Sequence[Sequence[float]]) -> list[float]:
    """What the texts of one prompt add to SCORES: of each the scores that several people gave it on one axis.

    ``between`` adds up the squared sum of a text's scores over their number, ``within`` twice the squared differences
    of every two over their number less one. A text with one score says nothing of agreement.
    """
    vector = [0.0] * len(FIELDS[SCORES])
    for scores in texts:
        m, total, squares = len(scores), math.fsum(scores), math.fsum(score * score for score in scores)
        if m < 2:
            continue
        within = 2 * max(0.0, m * squares - total * total) / (m - 1)
        for i, value in enumerate((1, m, m * m, total, squares, total * total / m, within)):
            vector[i] += value
    return vector


class Judgement(NamedTuple):
    """One current ranking of a task.

    ``order_shown[i]`` is the place in the task of the completion shown i-th, or None where nobody knows.
    ``week`` names the week in which it was made; ``annotator`` is None where nobody is named. ``chosen`` says why its
    annotator was asked: by chance ("random"), a reward model's "doubt", or in the order of the queue.
    """

    annotator: int | None
    verdict: str
    tiers: Sequence[int]
    order_shown: Sequence[int] | None
    seconds: float | None
    week: str
    chosen: str = ""


class Scope(NamedTuple):
    """Of what a total is the total. ``other`` is set for a pair of annotators; no week means all of them."""

    kind: str
    annotator: int | None = None
    other: int | None = None
    week: str | None = None


class Total:
    """Tasks, sums and sums of products (upper triangle, row by row) of one scope."""

    def __init__(
        self, kind: str, tasks: int = 0, sums: Sequence[float] = (), products: Sequence[float] = ()
    ) -> None:
        size = len(FIELDS[kind])
        self.kind = kind
        self.tasks = tasks
        self.sums = list(sums) or [0.0] * size
        self.products = list(products) or [0.0] * (size * (size + 1) // 2)

    def add(self, vector: Sequence[float], sign: int = 1) -> None:
        """Count a task's vector, or take it away again with sign -1."""
        self.tasks += sign
        at = 0
        for i, value in enumerate(vector):
            if value:
                self.sums[i] += sign * value
                for j in range(i, len(vector)):
                    self.products[at + j - i] += sign * value * vector[j]
            at += len(vector) - i

    def merge(self, other: "Total") -> None:
        """Count everything that ``other`` counts."""
        self.tasks += other.tasks
        self.sums = [a + b for a, b in zip(self.sums, other.sums, strict=True)]
        self.products = [a + b for a, b in zip(self.products, other.products, strict=True)]

    def named(self) -> dict[str, float]:
        """The sums by name."""
        return dict(zip(FIELDS[self.kind], self.sums, strict=True))


def contributions(
    judgements: Sequence[Judgement], lengths: Sequence[int], *, doubted: bool = False
) -> dict[Scope, list[float]]:
    """What one task adds to each scope. ``lengths[i]`` is the length of the completion at place i of the task.

    A ``doubted`` one was asked because a reward model was unsure of it: people agree less on such tasks than on those
    of a fair sample, so it adds nothing to agreement.
    """
    vectors: dict[Scope, list[float]] = {}
    agreement = () if doubted else of_agreement(judgements)
    for scope, values in (*agreement, *_of_habits(judgements, lengths)):
        known = vectors.setdefault(scope, [0.0] * len(values))
        vectors[scope] = [a + b for a, b in zip(known, values, strict=True)]
    return vectors


def of_agreement(judgements: Sequence[Judgement]) -> Iterator[tuple[Scope, list[float]]]:
    """What one task adds to the agreement of everybody, of one annotator with the others, and of two annotators."""
    ranked = [one for one in judgements if one.verdict == "ranked"]
    if len(ranked) < 2:
        return
    categories_said = [categories(one.tiers) for one in ranked]
    total = [0.0] * len(FIELDS[AGREEMENT])
    for first, second in combinations(range(len(ranked)), 2):
        a, b = ranked[first], ranked[second]
        same = sum(x == y for x, y in zip(categories_said[first], categories_said[second], strict=True))
        tau = tau_b(a.tiers, b.tiers)
        values = [same, len(categories_said[first]), tau or 0.0, float(tau is not None), *[0.0] * 8]
        total = [x + y for x, y in zip(total, values, strict=True)]
        for one in (a, b):
            if one.annotator is not None:
                yield Scope(AGREEMENT, one.annotator), values
        if a.annotator is not None and b.annotator is not None:
            yield _of_pair(a.annotator, b.annotator, categories_said[first], categories_said[second])
    for unit in zip(*categories_said, strict=True):
        total = [x + y for x, y in zip(total, _of_unit(unit), strict=True)]
    yield Scope(AGREEMENT), total
    # A task belongs to the week in which it got its newest ranking.
    yield Scope(AGREEMENT, week=max(one.week for one in ranked)), total


def _of_unit(unit: Sequence[int]) -> list[float]:
    """A pair of completions and what each annotator says of it: the coincidences of one orientation."""
    counts = Counter(unit)
    m, t = len(unit), counts[TIE]
    b, w = counts[BETTER], counts[WORSE]
    strict, opposite, mixed = b * (b - 1) + w * (w - 1), 2 * b * w, 2 * (b + w) * t
    tied = t * (t - 1)
    parts = [one / (m - 1) for one in (strict, opposite, mixed, tied)]
    return [0.0] * 4 + parts + [(strict + tied) / (m * (m - 1)), 1.0, float(b + w), float(t)]


def _of_pair(a: int, b: int, said_a: Sequence[int], said_b: Sequence[int]) -> tuple[Scope, list[float]]:
    if a > b:
        a, b, said_a, said_b = b, a, said_b, said_a
    values = [0.0] * 5
    for x, y in zip(said_a, said_b, strict=True):
        at = 4 if x == y == TIE else 2 if x == TIE else 3 if y == TIE else 0 if x == y else 1
        values[at] += 1
    return Scope(PAIR, a, b), values


def _of_habits(
    judgements: Sequence[Judgement], lengths: Sequence[int]
) -> Iterator[tuple[Scope, list[float]]]:
    for one in judgements:
        verdicts = [float(one.verdict == name) for name in ("ranked", "all_bad", "cannot_tell")]
        timed = [0.0, 0.0] if one.seconds is None else [1.0, one.seconds]
        chosen = [float(one.chosen == name) for name in ("random", "doubt")]
        values = [1.0, *verdicts, *_wins(one, lengths), *timed, *chosen]
        yield Scope(HABITS), values
        yield Scope(HABITS, week=one.week), values
        if one.annotator is not None:
            yield Scope(HABITS, one.annotator), values
            yield Scope(HABITS, one.annotator, week=one.week), values


def _wins(judgement: Judgement, lengths: Sequence[int]) -> list[float]:
    """Strict pairs whose order on the page is known and how many the earlier won; the same of unequal lengths."""
    places = (
        {} if judgement.order_shown is None else {place: at for at, place in enumerate(judgement.order_shown)}
    )
    shown = earlier = unequal = longer = 0
    for i, j in combinations(range(len(judgement.tiers)), 2):
        if judgement.tiers[i] == judgement.tiers[j]:
            continue
        winner, loser = (i, j) if judgement.tiers[i] < judgement.tiers[j] else (j, i)
        if places:
            shown += 1
            earlier += places[winner] < places[loser]
        if lengths[i] != lengths[j]:
            unequal += 1
            longer += lengths[winner] > lengths[loser]
    return [float(shown), float(earlier), float(unequal), float(longer)]
