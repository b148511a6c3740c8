"""How far annotators agree: figures worked out by hand, by their definitions, and on data that others measured."""

from collections.abc import Sequence
from itertools import combinations, permutations
from math import sqrt
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.preferences.agreement import tau_b
from annotation.preferences.estimates import estimates, pairwise_agreement
from annotation.preferences.tally import AGREEMENT, PAIR, Scope, Total
from tests.annotation.tallying import judged, total_of


class Agreement(NamedTuple):
    """The total of everybody, and those of every two annotators who judged a task both."""

    everybody: Total
    pairs: dict[tuple[int, int], Total]

    def value(self, name: str) -> float | None:
        """Of everybody."""
        estimate = estimates(self.everybody)[name]
        return None if estimate is None else estimate.value

    def counted(self, name: str) -> float:
        """A sum of everybody's."""
        return self.everybody.named()[name]

    def kappas(self) -> dict[tuple[int, int], float | None]:
        """Cohen's kappa of every two annotators."""
        kappas = {people: estimates(total)["cohen_kappa"] for people, total in self.pairs.items()}
        return {people: None if kappa is None else kappa.value for people, kappa in kappas.items()}


def agreement(*tasks: Sequence[Sequence[int]]) -> Agreement:
    """Of tasks as the tiers of annotator 0, 1, 2, 3."""
    judgements = [[judged(tiers, annotator) for annotator, tiers in enumerate(task)] for task in tasks]
    pairs = {people: total_of(judgements, Scope(PAIR, *people)) for people in combinations(range(4), 2)}
    return Agreement(
        total_of(judgements, Scope(AGREEMENT)),
        {people: total for people, total in pairs.items() if total.tasks},
    )


def test_three_tasks_of_two_completions_by_hand() -> None:
    """Annotators a and b say: 1>2 and 1>2; 1>2 and 1=2; 1>2 and 2>1.

    Pairwise: 1 of 3. In both orientations the six units hold 12 values: better 5, worse 5, tie 2. Of each
    unit's ordered pairs of values the unequal ones are 0, 2, 2, twice: 8, so that
    alpha = 1 - (12 - 1) * 8 / (144 - 25 - 25 - 4) = 1 - 88/90.
    Kappa: agreed 1/3; a says better 3 of 6, worse 3 of 6; b says each 2 of 6; chance 1/6 + 1/6 = 1/3; kappa 0.
    """
    of = agreement([(1, 2), (1, 2)], [(1, 2), (1, 1)], [(1, 2), (2, 1)])
    assert (of.everybody.tasks, of.counted("units"), of.counted("compared")) == (3, 3, 3)
    assert of.value("pairwise_agreement") == pytest.approx(1 / 3, abs=1e-12)
    assert of.value("krippendorff_alpha") == pytest.approx(1 - 88 / 90, abs=1e-12)
    assert of.kappas() == {(0, 1): pytest.approx(0, abs=1e-12)}
    assert sum(of.pairs[0, 1].sums) == 3
    # tau-b is 1 of the first and -1 of the third; the second has none, since b tied everything.
    assert (of.value("kendall_tau_b"), of.counted("tau_pairs")) == (0, 2)


def test_tau_b_by_hand() -> None:
    assert tau_b([1, 2, 3], [1, 3, 2]) == pytest.approx(1 / 3, abs=1e-12)
    # Pairs of 1,1,2: tie, +, +; of 1,2,2: +, +, tie. One agrees: 1 / sqrt(2 * 2).
    assert tau_b([1, 1, 2], [1, 2, 2]) == pytest.approx(1 / 2, abs=1e-12)
    assert tau_b([1, 2], [1, 1]) is None


def sign_of(tiers: Sequence[int], i: int, j: int) -> int:
    return (tiers[i] < tiers[j]) - (tiers[i] > tiers[j])


def alpha_by_definition(tasks: Sequence[Sequence[Sequence[int]]]) -> float | None:
    """1 - Do / De over all pairable values of ordered pairs of completions, straight from its definition."""
    units = [
        [sign_of(tiers, i, j) for tiers in task]
        for task in tasks
        for i, j in permutations(range(len(task[0])), 2)
    ]
    values = [value for unit in units for value in unit]
    observed = sum(sum(a != b for a, b in permutations(unit, 2)) / (len(unit) - 1) for unit in units) / len(
        values
    )
    expected = sum(a != b for a, b in permutations(values, 2)) / (len(values) * (len(values) - 1))
    return 1 - observed / expected if expected else None


def kappa_by_definition(a: Sequence[int], b: Sequence[int]) -> float | None:
    agreed = sum(x == y for x, y in zip(a, b, strict=True)) / len(a)
    chance = sum(a.count(c) / len(a) * (b.count(c) / len(b)) for c in (-1, 0, 1))
    return None if chance == 1 else (agreed - chance) / (1 - chance)


def tau_by_definition(a: Sequence[int], b: Sequence[int]) -> float | None:
    pairs = [(sign_of(a, i, j), sign_of(b, i, j)) for i, j in combinations(range(len(a)), 2)]
    concordant, discordant = (
        pairs.count((1, 1)) + pairs.count((-1, -1)),
        pairs.count((1, -1)) + pairs.count((-1, 1)),
    )
    untied = [sum(pair[side] != 0 for pair in pairs) for side in (0, 1)]
    return (concordant - discordant) / sqrt(untied[0] * untied[1]) if all(untied) else None


@st.composite
def judged_tasks(draw: st.DrawFn) -> list[list[list[int]]]:
    """One to five tasks of two to four completions by two to four annotators."""
    sizes = draw(st.lists(st.tuples(st.integers(2, 4), st.integers(2, 4)), min_size=1, max_size=5))
    return [
        [draw(st.lists(st.integers(1, 3), min_size=k, max_size=k)) for _ in range(people)]
        for k, people in sizes
    ]


def close(value: float | None, expected: float | None) -> bool:
    if value is None or expected is None:
        return value is expected
    return abs(value - expected) < 1e-9


@given(tasks=judged_tasks())
@settings(deadline=None)
def test_all_figures_are_those_of_their_definitions(tasks: list[list[list[int]]]) -> None:
    of = agreement(*tasks)
    pairs = [
        (sign_of(x, i, j), sign_of(y, i, j))
        for task in tasks
        for x, y in combinations(task, 2)
        for i, j in combinations(range(len(x)), 2)
    ]
    assert close(of.value("pairwise_agreement"), sum(x == y for x, y in pairs) / len(pairs))
    assert close(of.value("krippendorff_alpha"), alpha_by_definition(tasks))
    taus = [tau_by_definition(x, y) for task in tasks for x, y in combinations(task, 2)]
    defined = [tau for tau in taus if tau is not None]
    assert of.counted("tau_pairs") == len(defined)
    assert close(of.value("kendall_tau_b"), sum(defined) / len(defined) if defined else None)
    assert of.kappas().keys() == {
        people for people in combinations(range(4), 2) if any(len(task) > people[1] for task in tasks)
    }
    for (first, second), kappa in of.kappas().items():
        both = [(task[first], task[second]) for task in tasks if len(task) > second]
        a, b = (
            [sign_of(tiers[side], i, j) for tiers in both for i, j in permutations(range(len(tiers[0])), 2)]
            for side in (0, 1)
        )
        assert close(kappa, kappa_by_definition(a, b))


@given(tasks=judged_tasks(), order=st.permutations(range(4)))
@settings(deadline=None)
def test_the_order_in_which_completions_are_listed_does_not_matter(
    tasks: list[list[list[int]]], order: list[int]
) -> None:
    turned = [[[tiers[i] for i in order if i < len(tiers)] for tiers in task] for task in tasks]
    one, other = agreement(*tasks), agreement(*turned)
    assert close(one.value("krippendorff_alpha"), other.value("krippendorff_alpha"))
    assert one.kappas().keys() == other.kappas().keys()
    assert all(close(kappa, other.kappas()[people]) for people, kappa in one.kappas().items())


@given(tasks=judged_tasks())
@settings(deadline=None)
def test_pairwise_agreement_of_one_task_is_that_of_its_definition(tasks: list[list[list[int]]]) -> None:
    for task in tasks:
        same = [
            sign_of(x, i, j) == sign_of(y, i, j)
            for x, y in combinations(task, 2)
            for i, j in combinations(range(len(x)), 2)
        ]
        assert close(pairwise_agreement(task), sum(same) / len(same))


def test_fewer_than_two_rankings_of_a_task_agree_with_nobody() -> None:
    assert pairwise_agreement([]) is None
    assert pairwise_agreement([(1, 2)]) is None
    of = agreement([(1, 2)])
    assert (of.everybody.tasks, of.kappas()) == (0, {})
