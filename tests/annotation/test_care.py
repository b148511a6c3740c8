"""Credit and position figures against arithmetic, brute force and another library."""

import itertools
import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.preferences.care import credit, earlier_wins, mean_of
from annotation.preferences.tiers import dense


@pytest.mark.parametrize(
    ("expected", "tiers", "value"),
    [
        ([1, 2, 3], [1, 2, 3], 1.0),
        ([1, 2, 3], [3, 2, 1], 0.0),
        # One of three pairs the wrong way round: tau = (2 - 1) / 3.
        ([1, 2, 3], [2, 1, 3], 2 / 3),
        # One pair tied: tau_b = 2 / sqrt(3 * 2).
        ([1, 2, 3], [1, 1, 2], (1 + 2 / math.sqrt(6)) / 2),
        ([1, 2], [1, 1], 0.5),
        ([1, 2, 3], [], 0.5),
        ([1, 1], [1, 2], 0.5),
        ([1, 1, 1], [1, 1, 1], 1.0),
        ([1, 1], [], 1.0),
    ],
)
def test_credit_is_partial(expected: list[int], tiers: list[int], value: float) -> None:
    assert credit(expected, tiers) == pytest.approx(value, abs=1e-12)


@given(
    st.integers(2, 9).flatmap(
        lambda k: st.lists(st.lists(st.integers(1, k), min_size=k, max_size=k), min_size=2, max_size=2)
    )
)
def test_credit_is_symmetric_and_does_not_look_at_the_places(orders: list[list[int]]) -> None:
    a, b = map(dense, orders)
    assert credit(a, b) == pytest.approx(credit(b, a), abs=1e-12)
    assert credit(a[::-1], b[::-1]) == pytest.approx(credit(a, b), abs=1e-12)
    assert 0 <= credit(a, b) <= 1


def test_a_random_order_earns_half_on_average() -> None:
    orders = [list(order) for order in itertools.permutations(range(1, 5))]
    assert statistics.mean(credit([1, 2, 2, 3], order) for order in orders) == pytest.approx(0.5, abs=1e-12)


def test_earlier_wins_follows_the_order_shown() -> None:
    # Shown: place 2, then 0, then 1. Of the pairs 0>1, 0>2, 1>2 only the first was shown winner first.
    assert earlier_wins([1, 2, 3], [2, 0, 1]) == pytest.approx(1 / 3, abs=1e-12)
    assert earlier_wins([1, 1, 2], [2, 1, 0]) == 0.0
    assert earlier_wins([1, 1], [0, 1]) is None
    assert earlier_wins([], [0, 1]) is None


@pytest.mark.parametrize("tiers", [[1, 2, 3], [1, 1, 2], [2, 1, 2, 3]])
def test_whatever_is_best_wins_half_over_all_orders_shown(tiers: list[int]) -> None:
    shares = [earlier_wins(tiers, order) for order in itertools.permutations(range(len(tiers)))]
    assert statistics.mean(share for share in shares if share is not None) == pytest.approx(0.5, abs=1e-12)


def test_a_mean_has_its_normal_interval_within_0_and_1() -> None:
    assert mean_of([]) is None
    assert mean_of([0.25]) == (0.25, 1, None)
    figure = mean_of([0.2, 0.4, 0.6, 0.8])
    assert figure is not None
    # Deviation sqrt(0.2 / 3) = 0.2582, its error 0.1291, times 1.96 = 0.2530.
    assert figure.interval == pytest.approx((0.5 - 0.2530, 0.5 + 0.2530), abs=1e-4)
    wide = mean_of([0.0, 1.0])
    assert wide is not None
    assert wide.interval == (0.0, 1.0)
