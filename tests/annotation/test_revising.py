"""A changed mind: the old ranking stays, superseded; its comparisons give way with it, or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from annotation.collecting import ranking
from annotation.errors import BadRanking, BadRequest
from annotation.models import Comparison, Ranking
from tests.annotation.judging import at_once, by_definition, claimed, comparisons_of, submitted

pytestmark = pytest.mark.django_db


def test_a_revision_takes_the_place_of_a_ranking_and_its_comparisons() -> None:
    old = submitted(1, 2, 2)
    new = ranking.revise(ranking=old, verdict="ranked", ranks=[3, 2, 1], rationale="Read again.")
    old.refresh_from_db()
    assert (old.is_current, old.tiers, comparisons_of(old)) == (False, [1, 2, 2], set())
    assert (new.is_current, new.supersedes, comparisons_of(new)) == (True, old, by_definition([3, 2, 1]))
    assert Comparison.objects.count() == 3
    assert ranking.revisable(new.annotator).first() == new


@pytest.mark.parametrize("verdict", ["all_bad", "cannot_tell"])
def test_an_order_taken_back_leaves_no_comparison(verdict: str) -> None:
    ranking.revise(ranking=submitted(1, 2), verdict=verdict, reason="both rude")
    assert not Comparison.objects.exists()
    assert list(Ranking.objects.current().values_list("verdict", flat=True)) == [verdict]


def test_a_bad_revision_leaves_the_ranking_as_it_was() -> None:
    old = submitted(1, 2)
    with pytest.raises(BadRanking):
        ranking.revise(ranking=old, verdict="ranked", ranks=[1])
    old.refresh_from_db()
    assert (old.is_current, comparisons_of(old)) == (True, by_definition([1, 2]))


@pytest.mark.django_db(transaction=True)
def test_of_revisions_at_once_one_is_stored_and_the_others_are_refused() -> None:
    old = submitted(1, 2, 3)
    answers = at_once([lambda: ranking.revise(ranking=old, verdict="ranked", ranks=[3, 2, 1])] * 4)
    stored = [answer for answer in answers if isinstance(answer, Ranking)]
    refused = [answer for answer in answers if isinstance(answer, BadRequest)]
    assert (len(stored), len(refused)) == (1, 3)
    assert Ranking.objects.current().get() == stored[0]
    assert comparisons_of(stored[0]) == by_definition([3, 2, 1])
    assert Comparison.objects.count() == 3


@contextmanager
def ties_refused() -> Iterator[None]:
    """A database that refuses every tie, so that a ranking fails after its own row and before its last comparison."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE annotation_comparison ADD CONSTRAINT no_ties CHECK (NOT tie) NOT VALID")
    try:
        with pytest.raises(IntegrityError, match="no_ties"):
            yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE annotation_comparison DROP CONSTRAINT no_ties")


@pytest.mark.django_db(transaction=True)
def test_a_failure_in_the_middle_of_a_submit_leaves_nothing() -> None:
    annotator, assignment = claimed()
    with ties_refused():
        ranking.submit(assignment=assignment, annotator=annotator, verdict="ranked", ranks=[1, 2, 2])
    assignment.refresh_from_db()
    assert (assignment.status, Ranking.objects.count(), Comparison.objects.count()) == ("open", 0, 0)


@pytest.mark.django_db(transaction=True)
def test_a_failure_in_the_middle_of_a_revision_leaves_the_old_ranking() -> None:
    old = submitted(1, 2, 2)
    ids = set(old.comparisons.values_list("pk", flat=True))
    with ties_refused():
        ranking.revise(ranking=old, verdict="ranked", ranks=[2, 1, 1])
    old.refresh_from_db()
    assert old.is_current
    assert set(old.comparisons.values_list("pk", flat=True)) == ids
    assert Ranking.objects.count() == 1


def test_a_ranking_older_than_a_day_cannot_be_changed_any_more() -> None:
    old = submitted(1, 2)
    assert ranking.revisable(old.annotator).first() == old
    Ranking.objects.update(created_at=timezone.now() - timedelta(days=1, seconds=1))
    assert ranking.revisable(old.annotator).first() is None


def test_a_project_says_for_how_long_rankings_can_be_changed() -> None:
    old = submitted(1, 2)
    project = old.annotator.project
    Ranking.objects.update(created_at=timezone.now() - timedelta(hours=71))
    project.revise_hours = 72
    assert ranking.revisable(old.annotator).first() == old
    project.revise_hours = 70
    assert ranking.revisable(old.annotator).first() is None
    Ranking.objects.update(created_at=timezone.now())
    project.revise_hours = 0
    assert ranking.revisable(old.annotator).first() is None
