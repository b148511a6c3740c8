"""Tiers of a ranking, and the comparisons that follow from them.

A tier is a rank without gaps: 1 is best, and completions that share a tier are tied. Only the order of
ranks counts, so 1, 1, 5 and 1, 1, 2 are the same judgement.
"""

from collections.abc import Hashable, Sequence
from itertools import combinations
from typing import NamedTuple

# How many completions one ranking puts in order.
LEAST_COMPLETIONS, MOST_COMPLETIONS = 2, 9


class Pairs(NamedTuple):
    """Indices into the ranking's completions.

    ``strict`` holds (i, j) where i is preferred to j; ``ties`` holds (i, j) with i < j.
    """

    strict: list[tuple[int, int]]
    ties: list[tuple[int, int]]


def dense(ranks: Sequence[int]) -> list[int]:
    """Ranks as tiers: [1, 1, 5] -> [1, 1, 2]. Raises ValueError unless all are positive integers."""
    for rank in ranks:
        if isinstance(rank, bool) or not isinstance(rank, int) or rank < 1:
            raise ValueError(f"a rank must be a positive whole number, not {rank!r}")
    tier_of = {rank: tier for tier, rank in enumerate(sorted(set(ranks)), start=1)}
    return [tier_of[rank] for rank in ranks]


def pairs(tiers: Sequence[int]) -> Pairs:
    """All K(K-1)/2 pairs of a ranking of K, in the order of their indices."""
    strict, ties = [], []
    for i, j in combinations(range(len(tiers)), 2):
        if tiers[i] == tiers[j]:
            ties.append((i, j))
        else:
            strict.append((i, j) if tiers[i] < tiers[j] else (j, i))
    return Pairs(strict, ties)


def in_places(tiers: Sequence[int], named: Sequence[Hashable], places: Sequence[Hashable]) -> list[int]:
    """``tiers[i]``, said of ``named[i]``, in the order in which ``places`` holds the same names."""
    tier_of = dict(zip(named, tiers, strict=True))
    return [tier_of[name] for name in places]
