"""Statistics from sums over tasks: equal to other libraries' and their definitions; intervals that hold."""

import math
import random
from collections.abc import Sequence
from itertools import combinations, permutations

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau

from annotation.preferences.estimates import Estimate, estimates
from annotation.preferences.tally import AGREEMENT, HABITS, PAIR, Judgement, Scope, Total, contributions
from tests.annotation.tallying import WEEK, Tiers, judged, total_of


def values(tasks: Sequence[Sequence[Judgement]], scope: Scope) -> dict[str, float | None]:
    return {name: one and one.value for name, one in estimates(total_of(tasks, scope)).items()}


@st.composite
def tasks_with_gaps(draw: st.DrawFn) -> list[dict[int, list[int]]]:
    """Tasks of 2 to 4 completions; each of four annotators may be missing, ties are common."""
    tasks = []
    for _ in range(draw(st.integers(2, 12))):
        size = draw(st.integers(2, 4))
        who = draw(st.sets(st.integers(1, 4), min_size=1))
        order = st.lists(st.integers(1, 3), min_size=size, max_size=size)
        tasks.append({annotator: draw(order) for annotator in sorted(who)})
    return tasks


def as_judgements(tasks: Sequence[dict[int, list[int]]]) -> list[list[Judgement]]:
    return [[judged(tiers, annotator) for annotator, tiers in task.items()] for task in tasks]


def sign_of(tiers: Tiers, i: int, j: int) -> int:
    return (tiers[i] < tiers[j]) - (tiers[i] > tiers[j])


def units(tasks: Sequence[dict[int, list[int]]]) -> list[dict[int, int]]:
    """What each annotator says of each ordered pair of completions."""
    return [
        {annotator: sign_of(tiers, i, j) for annotator, tiers in task.items()}
        for task in tasks
        for i, j in permutations(range(len(next(iter(task.values())))), 2)
    ]


@settings(max_examples=60, deadline=None)
@given(tasks_with_gaps())
def test_alpha_is_that_of_the_library_krippendorff(tasks: list[dict[int, list[int]]]) -> None:
    alpha = values(as_judgements(tasks), Scope(AGREEMENT))["krippendorff_alpha"]
    data = np.array([[unit.get(annotator, np.nan) for unit in units(tasks)] for annotator in range(1, 5)])
    pairable = data[:, np.sum(~np.isnan(data), axis=0) > 1]
    if not pairable.size or len(np.unique(pairable[~np.isnan(pairable)])) < 2:
        assert alpha is None
    else:
        expected = krippendorff.alpha(reliability_data=data, level_of_measurement="nominal")
        assert alpha == pytest.approx(expected, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(tasks_with_gaps())
def test_tau_b_is_that_of_scipy(tasks: list[dict[int, list[int]]]) -> None:
    tau = values(as_judgements(tasks), Scope(AGREEMENT))["kendall_tau_b"]
    taus = [
        kendalltau(a, b).statistic
        for task in tasks
        for a, b in combinations(task.values(), 2)
        if len(set(a)) > 1 and len(set(b)) > 1
    ]
    assert tau == (pytest.approx(np.mean(taus), abs=1e-9) if taus else None)


@settings(max_examples=60, deadline=None)
@given(tasks_with_gaps())
def test_fleiss_kappa_is_that_of_its_definition(tasks: list[dict[int, list[int]]]) -> None:
    """Fleiss 1971: the mean share of agreeing pairs of people, against squared shares of categories."""
    kappa = values(as_judgements(tasks), Scope(AGREEMENT))["fleiss_kappa"]
    judged_by_two = [list(unit.values()) for unit in units(tasks) if len(unit) > 1]
    everything = [value for unit in judged_by_two for value in unit]
    chance = sum((everything.count(c) / len(everything)) ** 2 for c in (1, -1, 0)) if everything else 1
    if chance == 1:
        assert kappa is None
        return
    shares = [np.mean([a == b for a, b in combinations(unit, 2)]) for unit in judged_by_two]
    assert kappa == pytest.approx((np.mean(shares) - chance) / (1 - chance), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(tasks_with_gaps())
def test_cohens_kappa_is_that_of_its_definition(tasks: list[dict[int, list[int]]]) -> None:
    """Cohen 1960, of annotators 1 and 2 over the ordered pairs that both judged."""
    kappa = values(as_judgements(tasks), Scope(PAIR, 1, 2))["cohen_kappa"]
    both = [(unit[1], unit[2]) for unit in units(tasks) if {1, 2} <= unit.keys()]
    firsts, seconds = [a for a, _ in both], [b for _, b in both]
    chance = sum(firsts.count(c) * seconds.count(c) for c in (1, -1, 0)) / len(both) ** 2 if both else 1
    if chance == 1:
        assert kappa is None
        return
    assert kappa == pytest.approx((np.mean([a == b for a, b in both]) - chance) / (1 - chance), abs=1e-9)


def test_position_and_length_bias_by_hand() -> None:
    """Shown as places 2, 0, 1; tiers 1, 2, 2 at places 0, 1, 2; lengths 5, 9, 5.

    Strict pairs: 0 over 1 and 0 over 2. Place 0 was shown after 2 and before 1: of two the earlier won one.
    Lengths differ in the first pair alone, and the shorter won it.
    """
    task = [judged([1, 2, 2], 7, [2, 0, 1])]
    of = total_of([task], Scope(HABITS), [5, 9, 5]).named()
    assert (of["shown_pairs"], of["earlier_wins"]) == (2, 1)
    assert (of["length_pairs"], of["longer_wins"]) == (1, 0)


def test_an_order_that_nobody_knows_says_nothing_of_position() -> None:
    of = total_of([[judged([1, 2], 7)]], Scope(HABITS), [5, 9]).named()
    assert (of["shown_pairs"], of["length_pairs"]) == (0, 1)


def test_verdicts_without_an_order_are_counted_and_agree_with_nobody() -> None:
    task = [
        judged([1, 2], 1),
        Judgement(2, "all_bad", [], [0, 1], 30.0, WEEK),
        Judgement(3, "cannot_tell", [], [0, 1], None, WEEK),
    ]
    of = total_of([task], Scope(HABITS)).named()
    assert (of["rankings"], of["ranked"], of["all_bad"], of["cannot_tell"]) == (3, 1, 1, 1)
    assert (of["timed"], of["seconds"]) == (1, 30)
    assert Scope(AGREEMENT) not in contributions(task, [1, 1])


def test_what_one_ranking_of_ten_says_has_the_interval_of_one_in_ten() -> None:
    """p = 1/10: on the scale of logits (Agresti 2013, 3.1), the variance of a mean of ten divided by (p (1 - p))^2."""
    tasks = [
        [Judgement(n, "all_bad" if n == 4 else "cannot_tell", [], [0, 1], None, WEEK)] for n in range(10)
    ]
    estimate = estimates(total_of(tasks, Scope(HABITS)))["all_bad"]
    assert estimate is not None
    assert estimate.interval is not None
    deviation = math.sqrt(0.1 * 0.9 / 9) / (0.1 * 0.9)
    ends = [math.log(1 / 9) + sign * 1.959963984540054 * deviation for sign in (-1, 1)]
    assert estimate.interval == pytest.approx([1 / (1 + math.exp(-end)) for end in ends], rel=1e-6)


def test_what_is_taken_away_was_never_there() -> None:
    tasks = as_judgements([{1: [1, 2, 3], 2: [2, 1, 3]}, {1: [1, 1, 2], 2: [1, 2, 2], 3: [3, 1, 2]}])
    of_first_task = total_of(tasks[:1], Scope(AGREEMENT))
    both = total_of(tasks, Scope(AGREEMENT))
    both.add(contributions(tasks[1], [1] * 3)[Scope(AGREEMENT)], -1)
    assert both.tasks == of_first_task.tasks
    assert both.sums == pytest.approx(of_first_task.sums, abs=1e-12)
    assert both.products == pytest.approx(of_first_task.products, abs=1e-12)


# Simulated projects: annotators say the task's true order with a chance that differs by task, else any order.
TASKS, PROJECTS = 120, 300


def simulated_task(rng: random.Random) -> list[Judgement]:
    clear = rng.random()
    judgements = []
    for annotator in range(1, 4):
        tiers = [1, 2, 3] if rng.random() < clear else rng.sample([1, 2, 3], 3)
        judgements.append(judged(tiers, annotator, rng.sample(range(3), 3)))
    return judgements


INTERVALS = {
    Scope(AGREEMENT): ("pairwise_agreement", "krippendorff_alpha", "fleiss_kappa", "kendall_tau_b"),
    Scope(PAIR, 1, 2): ("cohen_kappa",),
    Scope(HABITS): ("earlier_wins",),
}


def simulated_project(rng: random.Random, tasks: int) -> dict[str, Estimate]:
    """The statistics of so many simulated tasks, by name."""
    totals = {scope: Total(scope.kind) for scope in INTERVALS}
    for _ in range(tasks):
        added = contributions(simulated_task(rng), [1] * 3)
        for scope, total in totals.items():
            if scope in added:
                total.add(added[scope])
    by_scope = {scope: estimates(total) for scope, total in totals.items()}
    return {name: _value(by_scope[scope][name]) for scope, names in INTERVALS.items() for name in names}


@pytest.mark.long
def test_intervals_hold_the_truth_95_times_in_100() -> None:
    """Of 300 projects 95% is 285; three binomial deviations are 11.3, so 274 to 296."""
    rng = random.Random(5)
    truth = simulated_project(rng, 20_000)
    covered = dict.fromkeys(truth, 0)
    for _ in range(PROJECTS):
        for name, estimate in simulated_project(rng, TASKS).items():
            assert estimate.interval is not None
            covered[name] += estimate.interval[0] <= truth[name].value <= estimate.interval[1]
    assert {name: count for name, count in covered.items() if not 274 <= count <= 296} == {}
    assert len(covered) == 6


def _value(estimate: Estimate | None) -> Estimate:
    assert estimate is not None
    return estimate


def test_one_task_has_a_value_and_no_interval() -> None:
    figures = estimates(total_of(as_judgements([{1: [1, 2, 3], 2: [1, 3, 2]}]), Scope(AGREEMENT)))
    assert _value(figures["pairwise_agreement"]).value == pytest.approx(2 / 3)
    assert _value(figures["pairwise_agreement"]).interval is None


def ratio_interval(parts: Sequence[float], wholes: Sequence[float]) -> tuple[float, float]:
    """A ratio of sums over tasks, and its standard error: Cochran 1977, 6.4, without a finite population."""
    n, ratio = len(parts), sum(parts) / sum(wholes)
    rest = sum((y - ratio * x) ** 2 for y, x in zip(parts, wholes, strict=True))
    return ratio, math.sqrt(n / (n - 1) * rest) / sum(wholes)


# Annotators 1 and 2 on two tasks: of three pairs two are the same, tau 1/3; of one pair none is, tau -1.
TWO_TASKS = as_judgements([{1: [1, 2, 3], 2: [1, 3, 2]}, {1: [1, 2], 2: [2, 1]}])


def test_the_interval_of_a_share_is_that_of_a_ratio_on_the_logit_scale() -> None:
    """The derivative of ln(p / (1 - p)) is 1 / (p (1 - p)); 1.96 of the normal distribution lie in 95%."""
    estimate = _value(estimates(total_of(TWO_TASKS, Scope(AGREEMENT)))["pairwise_agreement"])
    share, error = ratio_interval([2, 0], [3, 1])
    assert share == 1 / 2
    assert estimate.value == pytest.approx(share)
    ends = [
        math.log(share / (1 - share)) + sign * 1.959964 * error / (share * (1 - share)) for sign in (-1, 1)
    ]
    assert estimate.interval == pytest.approx([math.exp(end) / (1 + math.exp(end)) for end in ends], abs=1e-5)


def test_the_interval_of_a_coefficient_is_that_of_a_ratio_on_fishers_scale() -> None:
    """The derivative of artanh r is 1 / (1 - r^2)."""
    estimate = _value(estimates(total_of(TWO_TASKS, Scope(AGREEMENT)))["kendall_tau_b"])
    tau, error = ratio_interval([1 / 3, -1], [1, 1])
    assert tau == pytest.approx(-1 / 3)
    assert estimate.value == pytest.approx(tau)
    ends = [math.atanh(tau) + sign * 1.959964 * error / (1 - tau**2) for sign in (-1, 1)]
    assert estimate.interval == pytest.approx([math.tanh(end) for end in ends], abs=1e-5)


def test_the_interval_of_seconds_is_that_of_a_ratio_on_the_log_scale() -> None:
    """Two rankings of the first task took 10 and 20 seconds, one of the second 60, and one nobody measured."""
    seconds: list[list[float | None]] = [[10.0, 20.0], [60.0, None]]
    tasks = [[Judgement(1, "ranked", [1, 2], None, one, WEEK) for one in task] for task in seconds]
    estimate = _value(estimates(total_of(tasks, Scope(HABITS)))["seconds"])
    mean, error = ratio_interval([30, 60], [2, 1])
    assert mean == 30
    assert estimate.value == pytest.approx(mean)
    assert estimate.interval == pytest.approx(
        [mean * math.exp(sign * 1.959964 * error / mean) for sign in (-1, 1)], rel=1e-5
    )


def test_tasks_that_say_exactly_the_same_have_no_interval() -> None:
    task = {1: [1, 2, 3], 2: [1, 3, 2]}
    figures = estimates(total_of(as_judgements([task, task]), Scope(AGREEMENT)))
    assert _value(figures["pairwise_agreement"]).value == pytest.approx(2 / 3)
    assert _value(figures["pairwise_agreement"]).interval is None


def test_products_are_those_of_every_two_numbers_of_a_vector_once() -> None:
    total = Total(PAIR)
    assert total.products == [0.0] * 15
    total.add([1, 2, 0, 0, 3])
    total.add([1, 0, 0, 1, 0])
    assert total.sums == [2, 2, 0, 1, 3]
    assert total.products == [2, 2, 0, 1, 3, 4, 0, 0, 6, 0, 0, 0, 1, 0, 9]


def test_habits_are_counted_for_everybody_and_for_whoever_is_named_in_all_and_by_week() -> None:
    by_scope = contributions([judged([1, 2], 7), judged([1, 2], None)], [1, 1])
    assert {scope: vector[0] for scope, vector in by_scope.items() if scope.kind == HABITS} == {
        Scope(HABITS): 2,
        Scope(HABITS, week=WEEK): 2,
        Scope(HABITS, 7): 1,
        Scope(HABITS, 7, week=WEEK): 1,
    }
