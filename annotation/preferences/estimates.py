"""The statistics of totals over tasks, each with its 95% interval. Pure: no Django, settings, database, clock or global
randomness.

    agreement   pairwise agreement   of two annotators and a pair, drawn with equal chances: they say the same
                Krippendorff's alpha nominal, from its coincidences (Krippendorff 2011, "Computing Krippendorff's
                                     Alpha-Reliability")
                Fleiss' kappa        of any number of annotators (Fleiss 1971)
                Kendall's tau-b      its mean over two annotators of a task, left out where either tied everything
    pair        Cohen's kappa        of two annotators over the pairs that both judged (Cohen 1960)
    scores      Krippendorff's alpha interval, of the scores that several people gave one text on one axis
                ICC(1)               the share of the variance of scores that is between texts: one-way random effects
                                     (Shrout and Fleiss 1979), of unequal numbers by their n0 (Donner 1986)
    habits      position and length bias, verdicts, seconds

The interval is the delta method's with tasks as clusters: var g(S) = grad' Cov grad, Cov = n/(n-1) (sum v v' - S S'/n)
(Cochran 1977, "Sampling Techniques", 6.8 for a ratio; Rao and Scott 1992 for clustered proportions). It is drawn on
the logit scale for shares and Fisher's for coefficients, so that it stays inside their range.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations_with_replacement
from typing import NamedTuple

from annotation.preferences.tally import (
    AGREEMENT,
    FIELDS,
    HABITS,
    PAIR,
    SCORES,
    Judgement,
    Scope,
    Total,
    of_agreement,
)

# Standard normal quantile of a 95% interval.
Z = 1.959963984540054
# A variance below this share of the terms that it is made of is their rounding.
ROUNDING = 1e-10

Sums = Mapping[str, float]
Statistic = Callable[[Sums], float | None]


class Estimate(NamedTuple):
    """A statistic and its 95% interval, which is None where one task, or none of any variance, says nothing of it."""

    value: float
    interval: tuple[float, float] | None


def _share(part: str, whole: str) -> Statistic:
    return lambda of: of[part] / of[whole] if of[whole] else None


_PAIRWISE = _share("same", "compared")


def _alpha(of: Sums) -> float | None:
    """Krippendorff's alpha, nominal, both orientations of each pair counted."""
    strict = of["strict_same"] + of["strict_opposite"] + of["strict_tie"] / 2
    tied = of["tie_same"] + of["strict_tie"] / 2
    n = 2 * (strict + tied)
    expected = n * n - 2 * strict * strict - 4 * tied * tied
    if expected <= 0:
        return None
    return 1 - (n - 1) * 2 * (of["strict_opposite"] + of["strict_tie"]) / expected


def _fleiss(of: Sums) -> float | None:
    """Fleiss' kappa (1971), both orientations counted; a pair weighs the same however many people judged it."""
    verdicts = of["said_strict"] + of["said_tie"]
    if not verdicts:
        return None
    chance = (of["said_strict"] / verdicts) ** 2 / 2 + (of["said_tie"] / verdicts) ** 2
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


def _alpha_interval(of: Sums) -> float | None:
    """Krippendorff's alpha with squared differences; None where all scores are the same."""
    n = of["scores"]
    expected = 2 * (n * of["squares"] - of["sum"] ** 2)
    return 1 - (n - 1) * of["within"] / expected if expected > ROUNDING * n * of["squares"] else None


def _icc(of: Sums) -> float | None:
    """ICC(1): one score of one text, by people who are not the same from text to text."""
    texts, n = of["texts"], of["scores"]
    if texts < 2 or n <= texts:
        return None
    between = (of["between"] - of["sum"] ** 2 / n) / (texts - 1)
    within = (of["squares"] - of["between"]) / (n - texts)
    scores_a_text = (n - of["scores_squared"] / n) / (texts - 1)
    whole = between + (scores_a_text - 1) * within
    return (between - within) / whole if whole > ROUNDING * of["squares"] / n else None


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
        "pairwise_agreement": (_PAIRWISE, _LOGIT),
        "krippendorff_alpha": (_alpha, _FISHER),
        "fleiss_kappa": (_fleiss, _FISHER),
        "kendall_tau_b": (_share("tau_sum", "tau_pairs"), _FISHER),
    },
    PAIR: {"cohen_kappa": (_cohen, _FISHER)},
    SCORES: {"alpha_interval": (_alpha_interval, _FISHER), "icc": (_icc, _FISHER)},
    HABITS: {
        "earlier_wins": (_share("earlier_wins", "shown_pairs"), _LOGIT),
        "longer_wins": (_share("longer_wins", "length_pairs"), _LOGIT),
        "all_bad": (_share("all_bad", "rankings"), _LOGIT),
        "cannot_tell": (_share("cannot_tell", "rankings"), _LOGIT),
        "seconds": (_share("seconds", "timed"), _LOG),
    },
}


def estimates(total: Total) -> dict[str, Estimate | None]:
    """The statistics of a total's kind; None for one of which nothing is known."""
    return {name: _estimate(total, *one) for name, one in STATISTICS[total.kind].items()}


def pairwise_agreement(rankings: Sequence[Sequence[int]]) -> float | None:
    """The share of equal categories, 0 to 1, among all two of one task's tiers; None of fewer than two."""
    task = [Judgement(None, "ranked", tiers, None, None, "") for tiers in rankings]
    total = Total(AGREEMENT)
    for scope, vector in of_agreement(task):
        if scope == Scope(AGREEMENT):
            total.add(vector)
    return _PAIRWISE(total.named())


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
