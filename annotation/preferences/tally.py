"""Quality of judgements as sums over tasks. Pure: no Django, settings, database, clock or global randomness.

Every statistic is a smooth function of a few totals, and a task adds a short vector of numbers to each. So a total
may be kept and moved by one task at a time; its interval needs the sums of products of those vectors alone.

    contributions   what one task adds, by scope: everybody, one annotator, two annotators; in all or in one week
    Total           how many tasks, their sums, their sums of products: they add up and take away
    estimates       the statistics of a total, each with its 95% interval

The interval is the delta method's with tasks as clusters: var g(S) = grad' Cov grad, Cov = n/(n-1) (sum v v' - S S'/n)
(Cochran 1977, "Sampling Techniques", 6.8 for a ratio; Rao and Scott 1992 for clustered proportions). It is drawn on
the logit scale for shares and Fisher's for coefficients, so that it stays inside their range.

    agreement   pairwise agreement, Krippendorff's alpha, Fleiss' kappa, mean tau-b      (preferences.agreement)
    pair        Cohen's kappa of two annotators over the pairs of completions that both judged
    habits      position and length bias, verdicts, seconds

Pairwise agreement is the chance that two annotators, drawn with a pair that both judged, say the same of it.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations, combinations_with_replacement
from typing import NamedTuple

from annotation.preferences.agreement import TIE, categories, tau_b

AGREEMENT, PAIR, HABITS = "agreement", "pair", "habits"
# Standard normal quantile of a 95% interval.
Z = 1.959963984540054
# A variance below this share of the terms that it is made of is their rounding.
ROUNDING = 1e-10

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
    ),
}


class Judgement(NamedTuple):
    """One current ranking of a task.

    ``order_shown[i]`` is the place in the task of the completion shown i-th, or None where nobody knows.
    ``week`` names the week in which it was made; ``annotator`` is None where nobody is named.
    """

    annotator: int | None
    verdict: str
    tiers: Sequence[int]
    order_shown: Sequence[int] | None
    seconds: float | None
    week: str


class Scope(NamedTuple):
    """Of what a total is the total. ``other`` is set for a pair of annotators; no week means all of them."""

    kind: str
    annotator: int | None = None
    other: int | None = None
    week: str | None = None


class Estimate(NamedTuple):
    """A statistic and its 95% interval, which is None where one task, or none of any variance, says nothing of it."""

    value: float
    interval: tuple[float, float] | None


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


def contributions(judgements: Sequence[Judgement], lengths: Sequence[int]) -> dict[Scope, list[float]]:
    """What one task adds to each scope. ``lengths[i]`` is the length of the completion at place i of the task."""
    found: dict[Scope, list[float]] = {}
    for scope, values in (*_of_agreement(judgements), *_of_habits(judgements, lengths)):
        known = found.setdefault(scope, [0.0] * len(values))
        found[scope] = [a + b for a, b in zip(known, values, strict=True)]
    return found


def _of_agreement(judgements: Sequence[Judgement]) -> Iterator[tuple[Scope, list[float]]]:
    ranked = [one for one in judgements if one.verdict == "ranked"]
    if len(ranked) < 2:
        return
    said = [categories(one.tiers) for one in ranked]
    total = [0.0] * len(FIELDS[AGREEMENT])
    for first, second in combinations(range(len(ranked)), 2):
        a, b = ranked[first], ranked[second]
        same = sum(x == y for x, y in zip(said[first], said[second], strict=True))
        tau = tau_b(a.tiers, b.tiers)
        values = [same, len(said[first]), tau or 0.0, float(tau is not None), *[0.0] * 8]
        total = [x + y for x, y in zip(total, values, strict=True)]
        for one in (a, b):
            if one.annotator is not None:
                yield Scope(AGREEMENT, one.annotator), values
        if a.annotator is not None and b.annotator is not None:
            yield _of_pair(a.annotator, b.annotator, said[first], said[second])
    for unit in zip(*said, strict=True):
        total = [x + y for x, y in zip(total, _of_unit(unit), strict=True)]
    yield Scope(AGREEMENT), total
    # A task belongs to the week in which it got its newest ranking.
    yield Scope(AGREEMENT, week=max(one.week for one in ranked)), total


def _of_unit(unit: Sequence[int]) -> list[float]:
    """A pair of completions and what each annotator says of it: the coincidences of one orientation."""
    counts = Counter(unit)
    m, t = len(unit), counts[TIE]
    b, w = counts[1], counts[-1]
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
        values = [1.0, *verdicts, *_wins(one, lengths), *timed]
        yield Scope(HABITS), values
        yield Scope(HABITS, week=one.week), values
        if one.annotator is not None:
            yield Scope(HABITS, one.annotator), values
            yield Scope(HABITS, one.annotator, week=one.week), values


def _wins(one: Judgement, lengths: Sequence[int]) -> list[float]:
    """Strict pairs whose order on the page is known and how many the earlier won; the same of unequal lengths."""
    places = {} if one.order_shown is None else {place: at for at, place in enumerate(one.order_shown)}
    shown = earlier = unequal = longer = 0
    for i, j in combinations(range(len(one.tiers)), 2):
        if one.tiers[i] == one.tiers[j]:
            continue
        winner, loser = (i, j) if one.tiers[i] < one.tiers[j] else (j, i)
        if places:
            shown += 1
            earlier += places[winner] < places[loser]
        if lengths[i] != lengths[j]:
            unequal += 1
            longer += lengths[winner] > lengths[loser]
    return [float(shown), float(earlier), float(unequal), float(longer)]


Sums = Mapping[str, float]
Statistic = Callable[[Sums], float | None]


def _share(part: str, whole: str) -> Statistic:
    return lambda of: of[part] / of[whole] if of[whole] else None


def _alpha(of: Sums) -> float | None:
    """Krippendorff's alpha, nominal, both orientations of each pair counted, by its coincidence matrix (Krippendorff
    2011, "Computing Krippendorff's Alpha-Reliability"); None where chance explains everything."""
    strict = of["strict_same"] + of["strict_opposite"] + of["strict_tie"] / 2
    tied = of["tie_same"] + of["strict_tie"] / 2
    n = 2 * (strict + tied)
    expected = n * n - 2 * strict * strict - 4 * tied * tied
    if expected <= 0:
        return None
    return 1 - (n - 1) * 2 * (of["strict_opposite"] + of["strict_tie"]) / expected


def _fleiss(of: Sums) -> float | None:
    """Fleiss' kappa (1971), both orientations counted; a pair weighs the same however many people judged it."""
    said = of["said_strict"] + of["said_tie"]
    if not said:
        return None
    chance = (of["said_strict"] / said) ** 2 / 2 + (of["said_tie"] / said) ** 2
    return None if chance >= 1 else (of["unit_agreement"] / of["units"] - chance) / (1 - chance)


def _cohen(of: Sums) -> float | None:
    """Cohen's kappa (1960), both orientations counted."""
    n = sum(of.values())
    if not n:
        return None
    tie_first, tie_second = (of["tie_first"] + of["tie_same"]) / n, (of["tie_second"] + of["tie_same"]) / n
    agreed = (of["strict_same"] + of["tie_same"]) / n
    chance = (1 - tie_first) * (1 - tie_second) / 2 + tie_first * tie_second
    return None if chance >= 1 else (agreed - chance) / (1 - chance)


class _Scale(NamedTuple):
    """Where an interval is drawn: ``out`` to the scale, ``back`` from it, ``slope`` of ``out``."""

    out: Callable[[float], float]
    back: Callable[[float], float]
    slope: Callable[[float], float]


_LOGIT = _Scale(
    lambda p: math.log(p / (1 - p)), lambda x: 1 / (1 + math.exp(-x)), lambda p: 1 / (p * (1 - p))
)
_FISHER = _Scale(math.atanh, math.tanh, lambda r: 1 / (1 - r * r))
_LOG = _Scale(math.log, math.exp, lambda x: 1 / x)

STATISTICS: Mapping[str, Mapping[str, tuple[Statistic, _Scale]]] = {
    AGREEMENT: {
        "pairwise_agreement": (_share("same", "compared"), _LOGIT),
        "krippendorff_alpha": (_alpha, _FISHER),
        "fleiss_kappa": (_fleiss, _FISHER),
        "kendall_tau_b": (_share("tau_sum", "tau_pairs"), _FISHER),
    },
    PAIR: {"cohen_kappa": (_cohen, _FISHER)},
    HABITS: {
        "earlier_wins": (_share("earlier_wins", "shown_pairs"), _LOGIT),
        "longer_wins": (_share("longer_wins", "length_pairs"), _LOGIT),
        "all_bad": (_share("all_bad", "rankings"), _LOGIT),
        "cannot_tell": (_share("cannot_tell", "rankings"), _LOGIT),
        "seconds": (_share("seconds", "timed"), _LOG),
    },
}


def pairwise_agreement(rankings: Sequence[Sequence[int]]) -> float | None:
    """Of the tiers of one task by several annotators; None of fewer than two."""
    judgements = [Judgement(None, "ranked", tiers, None, None, "") for tiers in rankings]
    total = Total(AGREEMENT)
    for scope, vector in _of_agreement(judgements):
        if scope == Scope(AGREEMENT):
            total.add(vector)
    statistic, _ = STATISTICS[AGREEMENT]["pairwise_agreement"]
    return statistic(total.named())


def estimates(total: Total) -> dict[str, Estimate | None]:
    """The statistics of a total's kind; None for one of which nothing is known."""
    return {name: _estimate(total, *one) for name, one in STATISTICS[total.kind].items()}


def _estimate(total: Total, statistic: Statistic, scale: _Scale) -> Estimate | None:
    value = statistic(total.named())
    if value is None:
        return None
    return Estimate(value, _interval(total, statistic, scale, value))


def _interval(total: Total, statistic: Statistic, scale: _Scale, value: float) -> tuple[float, float] | None:
    gradient = _gradient(total, statistic)
    if gradient is None or total.tasks < 2:
        return None
    variance = _variance(total, gradient)
    if not variance:
        return None
    try:
        middle, half = scale.out(value), Z * math.sqrt(variance) * scale.slope(value)
    except (ValueError, ZeroDivisionError):
        return None
    return scale.back(middle - half), scale.back(middle + half)


def _variance(total: Total, gradient: Sequence[float]) -> float:
    """The delta method's. 0 where every task says exactly the same: nothing is known of how others would differ."""
    n = total.tasks
    along = sum(g * s for g, s in zip(gradient, total.sums, strict=True))
    entries = zip(combinations_with_replacement(range(len(gradient)), 2), total.products, strict=True)
    terms = [(1 if i == j else 2) * gradient[i] * gradient[j] * product for (i, j), product in entries]
    variance = n / (n - 1) * (sum(terms) - along * along / n)
    # What the terms leave of each other is never quite 0.
    return variance if variance > ROUNDING * sum(map(abs, terms)) else 0.0


def _gradient(total: Total, statistic: Statistic) -> list[float] | None:
    """By central differences, whose steps are a millionth of the largest sum."""
    names, sums = FIELDS[total.kind], total.sums
    step = 1e-6 * max(map(abs, sums), default=0.0)
    of, gradient, diagonal = total.named(), [], 0
    for index, name in enumerate(names):
        varies = total.products[diagonal] != 0
        diagonal += len(names) - index
        if not varies:
            gradient.append(0.0)
            continue
        above, below = statistic({**of, name: of[name] + step}), statistic({**of, name: of[name] - step})
        if above is None or below is None:
            return None
        gradient.append((above - below) / (2 * step))
    return gradient
