"""What two rankings of the same completions say of each other. Pure: no Django, settings, database, clock or
global randomness.

A unit is an ordered pair of completions of one task, and what an annotator says of it is one of three categories:
better, worse, tie. Each pair is counted in both orientations, so the order in which completions are listed does not
matter. Verdicts without an order say nothing of a pair and are left out. What follows over many tasks (pairwise
agreement, alpha, kappas) is preferences.tally's.
"""

import math
from collections.abc import Sequence
from itertools import combinations

TIE = 0  # better is 1, worse -1


def tau_b(a: Sequence[int], b: Sequence[int]) -> float | None:
    """Kendall's tau-b of two rankings of the same completions (1945), -1 to 1; None where either tied everything."""
    said_a, said_b = categories(a), categories(b)
    untied_a, untied_b = sum(x != TIE for x in said_a), sum(x != TIE for x in said_b)
    if not untied_a or not untied_b:
        return None
    return sum(x * y for x, y in zip(said_a, said_b, strict=True)) / math.sqrt(untied_a * untied_b)


def categories(tiers: Sequence[int]) -> list[int]:
    """Of each pair (i, j), i < j: whether i is better than j, worse, or tied with it."""
    return [(a < b) - (a > b) for a, b in combinations(tiers, 2)]
