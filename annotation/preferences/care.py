"""Whether somebody judges with care: credit for an order, and how often what was shown earlier wins. Pure.

credit        (tau_b + 1) / 2 of two orders of the same completions (Kendall 1945): 1 the same, 0 reversed, 0.5 what
              a random order earns on average. An order in which all are tied, or no order at all (all bad,
              cannot tell), says nothing of any pair, so it earns 0.5 too; two such orders are the same: 1.
earlier_wins  of the strict pairs of a ranking, the share whose preferred completion was shown earlier. The order
              shown is random, so its expectation is 0.5 whatever the completions are and however many.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from annotation.preferences.agreement import tau_b
from annotation.preferences.tiers import pairs

CHANCE = 0.5
_Z = 1.959964  # of a 95% interval


class Mean(NamedTuple):
    """A mean of ``number`` values with its 95% interval by the normal approximation (None of fewer than two)."""

    value: float
    number: int
    interval: tuple[float, float] | None


def credit(expected: Sequence[int], answer: Sequence[int]) -> float:
    """How near the tiers of ``answer`` are to the ``expected`` ones, 0 to 1; [] is a verdict without an order."""
    says = [bool(tiers) and len(set(tiers)) > 1 for tiers in (expected, answer)]
    if not all(says):
        return CHANCE if any(says) else 1.0
    tau = tau_b(expected, answer)
    assert tau is not None  # it is undefined only where one of them tied everything
    return (tau + 1) / 2


def earlier_wins(tiers: Sequence[int], order_shown: Sequence[int]) -> float | None:
    """The share of strict pairs won by the one shown earlier; ``order_shown[i]`` is the place shown i-th.

    None of a ranking without a strict pair.
    """
    seen_at = {place: index for index, place in enumerate(order_shown)}
    strict = pairs(tiers).strict
    if not strict:
        return None
    return sum(seen_at[preferred] < seen_at[rejected] for preferred, rejected in strict) / len(strict)


def mean_of(values: Sequence[float]) -> Mean | None:
    """The mean of independent values from 0 to 1; None of no values."""
    n = len(values)
    if not n:
        return None
    mean = sum(values) / n
    if n == 1:
        return Mean(mean, 1, None)
    variance = sum((value - mean) ** 2 for value in values) / (n - 1)
    half = _Z * math.sqrt(variance / n)
    return Mean(mean, n, (max(0.0, mean - half), min(1.0, mean + half)))
