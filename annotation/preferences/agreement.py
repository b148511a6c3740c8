"""How far annotators agree. Pure: no Django, settings, database, clock or global randomness.

A unit is an ordered pair of completions of one task, and what an annotator says of it is one of three
categories: better, worse, tie. Each pair is counted in both orientations, so the order in which
completions are listed does not matter. Verdicts without an order say nothing of a pair and are left out.

    pairwise agreement     of two annotators and a pair, drawn with equal chances: they say the same
    Krippendorff's alpha   nominal, by its coincidence matrix (Krippendorff 2011, "Computing Krippendorff's
                           Alpha-Reliability")
    Cohen's kappa          of two annotators over the pairs that both judged (Cohen 1960)
    Kendall's tau-b        of two annotators over one task, left out where either tied everything (Kendall 1945)
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

BETTER, WORSE, TIE = 1, -1, 0


class Judged(NamedTuple):
    """One annotator's tiers of one task's completions. ``annotator`` is None where nobody is named."""

    annotator: str | None
    tiers: Sequence[int]


class Kappa(NamedTuple):
    """Two annotators, how many pairs of completions both judged, and their kappa (None where it is undefined)."""

    annotators: tuple[str, str]
    pairs: int
    kappa: float | None


@dataclass
class Agreement:
    """Figures over tasks that are added one by one; memory grows with annotators, not with tasks."""

    tasks: int = 0
    pairs: int = 0
    tau_pairs: int = 0
    _tau_sum: float = 0.0
    _same: int = 0
    _compared: int = 0
    _coincidences: Counter[tuple[int, int]] = field(default_factory=Counter)
    _confusions: dict[tuple[str, str], Counter[tuple[int, int]]] = field(default_factory=dict)

    def add_task(self, judgements: Sequence[Judged]) -> None:
        """Count one task's judgements, all of the same completions in the same order. Fewer than two say nothing."""
        if len(judgements) < 2:
            return
        self.tasks += 1
        said = [categories(judged.tiers) for judged in judgements]
        for first, second in combinations(range(len(judgements)), 2):
            self._add_annotators(judgements[first], judgements[second], said[first], said[second])
        for unit in zip(*said, strict=True):
            self.pairs += 1
            self._add_unit(Counter(unit))

    def _add_annotators(self, a: Judged, b: Judged, said_a: Sequence[int], said_b: Sequence[int]) -> None:
        self._same += sum(x == y for x, y in zip(said_a, said_b, strict=True))
        self._compared += len(said_a)
        tau = tau_b(a.tiers, b.tiers)
        if tau is not None:
            self.tau_pairs += 1
            self._tau_sum += tau
        # Whoever is not named is somebody else in every task.
        if a.annotator is None or b.annotator is None:
            return
        if a.annotator > b.annotator:
            a, b, said_a, said_b = b, a, said_b, said_a
        key = (str(a.annotator), str(b.annotator))
        self._confusions.setdefault(key, Counter()).update(zip(said_a, said_b, strict=True))

    def _add_unit(self, counts: Counter[int]) -> None:
        """Each ordered pair of values by different annotators weighs 1/(m-1), in both orientations."""
        weight = 1 / (counts.total() - 1)
        for c, of_c in counts.items():
            for k, of_k in counts.items():
                coincidence = of_c * (of_k - (c == k)) * weight
                self._coincidences[c, k] += coincidence  # type: ignore[assignment]
                self._coincidences[-c, -k] += coincidence  # type: ignore[assignment]

    @property
    def pairwise(self) -> float | None:
        """Share of equal categories among all two annotators of a pair."""
        return self._same / self._compared if self._compared else None

    @property
    def compared(self) -> int:
        """How often two annotators judged the same pair."""
        return self._compared

    @property
    def alpha(self) -> float | None:
        """Krippendorff's alpha; None where every value is the same, so that chance explains everything."""
        totals: Counter[int] = Counter()
        for (c, _), value in self._coincidences.items():
            totals[c] += value
        n = totals.total()
        expected = n * n - sum(value * value for value in totals.values())
        if not expected:
            return None
        observed = n - sum(self._coincidences[c, c] for c in totals)
        return 1 - (n - 1) * observed / expected

    @property
    def tau(self) -> float | None:
        """Mean tau-b over two annotators of a task."""
        return self._tau_sum / self.tau_pairs if self.tau_pairs else None

    def kappas(self) -> list[Kappa]:
        """Cohen's kappa of every two annotators who judged a pair both, in the order of their names."""
        return [
            Kappa(names, confusion.total(), kappa(confusion))
            for names, confusion in sorted(self._confusions.items())
        ]


def kappa(confusion: Mapping[tuple[int, int], int]) -> float | None:
    """Cohen's kappa of counts by (what the one said, what the other said), made symmetric in orientation.

    None where both always say the same one thing.
    """
    both: Counter[tuple[int, int]] = Counter()
    for (a, b), count in confusion.items():
        both[a, b] += count
        both[-a, -b] += count
    n = both.total()
    agreed = sum(count for (a, b), count in both.items() if a == b) / n
    of_a, of_b = Counter[int](), Counter[int]()
    for (a, b), count in both.items():
        of_a[a] += count
        of_b[b] += count
    chance = sum(of_a[c] * of_b[c] for c in (BETTER, WORSE, TIE)) / (n * n)
    return None if chance == 1 else (agreed - chance) / (1 - chance)


def tau_b(a: Sequence[int], b: Sequence[int]) -> float | None:
    """Kendall's tau-b of two rankings of the same completions, -1 to 1; None where either tied everything."""
    said_a, said_b = categories(a), categories(b)
    untied_a, untied_b = sum(x != TIE for x in said_a), sum(x != TIE for x in said_b)
    if not untied_a or not untied_b:
        return None
    return sum(x * y for x, y in zip(said_a, said_b, strict=True)) / math.sqrt(untied_a * untied_b)


def categories(tiers: Sequence[int]) -> list[int]:
    """Of each pair (i, j), i < j: whether i is better than j, worse, or tied with it."""
    return [(a < b) - (a > b) for a, b in combinations(tiers, 2)]
