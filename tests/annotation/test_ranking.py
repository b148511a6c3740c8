"""A ranking and its comparisons are one write: derived from the tiers, replaced together, or not there at all."""

from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotation.collecting import ranking
from annotation.errors import BadRanking
from annotation.models import Annotator, Comparison, Ranking
from annotation.preferences.tiers import dense, pairs
from tests.annotation.judging import at_once, by_definition, claimed, comparisons_of, submit, submitted, taken

pytestmark = pytest.mark.django_db
RANKS = st.lists(st.integers(1, 12), min_size=2, max_size=9)
WITHOUT_ORDER = ["all_bad", "cannot_tell"]


@given(ranks=RANKS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_comparisons_are_all_pairs_of_the_ranks(ranks: list[int]) -> None:
    with transaction.atomic():
        stored = submitted(*ranks)
        assert comparisons_of(stored) == by_definition(ranks)
        assert stored.comparisons.count() == len(ranks) * (len(ranks) - 1) // 2
        transaction.set_rollback(True)


@given(ranks=RANKS)
@settings(deadline=None)
def test_tiers_keep_the_order_of_the_ranks_and_have_no_gaps(ranks: list[int]) -> None:
    tiers = dense(ranks)
    assert set(tiers) == set(range(1, len(set(ranks)) + 1))
    for a, x in zip(ranks, tiers, strict=True):
        for b, y in zip(ranks, tiers, strict=True):
            assert (a < b, a == b) == (x < y, x == y)
    assert pairs(tiers) == pairs(ranks)


def test_a_shared_tier_is_a_tie_of_its_own_and_no_preference() -> None:
    stored = submitted(4, 1, 4)
    assert stored.tiers == [2, 1, 2]
    assert comparisons_of(stored) == {("1", "0", False), ("1", "2", False), ("0", "2", True)}


def test_all_in_one_tier_is_a_judgement_of_ties_only() -> None:
    assert comparisons_of(submitted(1, 1, 1)) == {("0", "1", True), ("0", "2", True), ("1", "2", True)}


@pytest.mark.parametrize("verdict", WITHOUT_ORDER)
def test_a_verdict_without_an_order_stays_itself_with_its_reason(verdict: str) -> None:
    annotator, assignment = claimed()
    stored = ranking.submit(
        assignment=assignment, annotator=annotator, verdict=verdict, ranks=[1, 2, 3], reason=" all rude "
    )
    stored.refresh_from_db()
    assert (stored.verdict, stored.tiers, stored.metadata) == (verdict, [], {"reason": "all rude"})
    assert not stored.comparisons.exists()


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "too few": ({"verdict": "ranked", "ranks": [1, 2]}, "all 3 completions"),
    "too many": ({"verdict": "ranked", "ranks": [1, 2, 3, 4]}, "all 3 completions"),
    "nothing placed": ({"verdict": "ranked"}, "all 3 completions"),
    "zero": ({"verdict": "ranked", "ranks": [0, 1, 2]}, "positive whole number, not 0"),
    "negative": ({"verdict": "ranked", "ranks": [-1, 1, 2]}, "positive whole number, not -1"),
    "true": ({"verdict": "ranked", "ranks": [True, 1, 2]}, "positive whole number, not True"),
    "a float": ({"verdict": "ranked", "ranks": [1.0, 1, 2]}, "positive whole number, not 1.0"),
    "unknown verdict": ({"verdict": "fine", "ranks": [1, 2, 3]}, "one of ranked, all_bad, cannot_tell"),
    "no reason": ({"verdict": "all_bad", "reason": " "}, "few words why"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_judgement_is_refused_and_the_task_stays_in_hand(case: str) -> None:
    values, words = BAD[case]
    annotator, assignment = claimed()
    with pytest.raises(BadRanking, match=words):
        ranking.submit(assignment=assignment, annotator=annotator, **values)
    assignment.refresh_from_db()
    assert assignment.status == "open"
    assert not Ranking.objects.exists()


def test_a_ranking_keeps_how_it_was_made() -> None:
    annotator, assignment = claimed()
    stored = ranking.submit(
        assignment=assignment,
        annotator=annotator,
        verdict="ranked",
        ranks=[3, 1, 2],
        confidence="low",
        rationale="Number two\nis best.",
        active_seconds=12.5,
    )
    stored.refresh_from_db()
    assert (stored.confidence, stored.rationale, stored.active_seconds) == (
        "low",
        "Number two\nis best.",
        12.5,
    )
    assert (stored.order_shown, stored.guideline_version) == (assignment.order_shown, 1)
    assert (stored.assignment, stored.is_current, stored.supersedes) == (assignment, True, None)


def test_a_double_submit_is_one_ranking() -> None:
    annotator, assignment = claimed()
    first, second = (
        ranking.submit(assignment=assignment, annotator=annotator, verdict="ranked", ranks=ranks)
        for ranks in ([1, 2, 3], [3, 2, 1])
    )
    assert first == second
    assert comparisons_of(second) == by_definition([1, 2, 3])
    assert Comparison.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_submits_of_one_assignment_at_once_are_one_ranking() -> None:
    annotator, assignment = claimed()

    def submit() -> Ranking:
        return ranking.submit(assignment=assignment, annotator=annotator, verdict="ranked", ranks=[1, 2, 3])

    answers = at_once([submit] * 5)
    assert {answer.pk for answer in answers if isinstance(answer, Ranking)} == {Ranking.objects.get().pk}
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert Comparison.objects.count() == 3


def test_the_same_judgement_has_the_same_verdict_and_the_same_tiers() -> None:
    stored = submitted(2, 1, 2)
    assert ranking.says_the_same(stored, verdict="ranked", ranks=[5, 3, 5])
    assert not ranking.says_the_same(stored, verdict="ranked", ranks=[1, 2, 2])
    assert not ranking.says_the_same(stored, verdict="all_bad", ranks=[2, 1, 2])


@pytest.mark.parametrize("strength", [1, 2, 3])
def test_of_two_the_strength_is_stored(strength: int) -> None:
    annotator, assignment = claimed(2)
    stored = ranking.submit(
        assignment=assignment, annotator=annotator, verdict="ranked", ranks=[2, 1], strength=strength
    )
    assert stored.strength == strength


@pytest.mark.parametrize(("ranks", "strength"), [([1, 1], 1), ([1, 2, 3], 1), ([1, 2], 0), ([1, 2], 4)])
def test_a_strength_of_a_tie_of_more_than_two_or_off_the_scale_is_refused(
    ranks: list[int], strength: int
) -> None:
    annotator, assignment = claimed(len(ranks))
    with pytest.raises(BadRanking, match="1, 2 or 3"):
        ranking.submit(
            assignment=assignment, annotator=annotator, verdict="ranked", ranks=ranks, strength=strength
        )
    assert not Ranking.objects.exists()


def test_what_may_be_revised_comes_newest_first(cast: tuple[Annotator, Annotator]) -> None:
    alice, _ = cast
    first, second = (submit(taken(alice), alice) for _ in range(2))
    assert list(ranking.revisable(alice)) == [second, first]
    assert ranking.revisable(alice).first() == second
