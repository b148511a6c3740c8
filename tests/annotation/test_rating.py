"""Ratings: every completion on every axis in one answer, a later score in the place of an earlier one."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from annotation.collecting import asking, queue, ranking, rating
from annotation.errors import BadRating, BadRequest, LeaseOver
from annotation.files import intake
from annotation.models import Annotator, Assignment, Project, Ranking, Rating
from tests.annotation.factories import (
    emptied,
    make_annotator,
    make_project,
    make_tasks,
    out,
    out_values,
    put_bytes,
)
from tests.annotation.judging import at_once, run_out, taken

pytestmark = pytest.mark.django_db

AXES: list[dict[str, Any]] = [
    {"name": "helpful", "least": 1, "most": 7, "least_words": "useless", "most_words": "all one could want"},
    {"name": "honest", "label": "Honest", "least": 1, "most": 5, "required": False},
]


def rated_project(axes: list[dict[str, Any]] | None = None, **fields: Any) -> Project:
    """A project with two prompts of three completions, each prompt a task to rate, and nothing to rank."""
    project = make_project(**fields)
    make_tasks(project, 2, completions=3)
    project.tasks.all().delete()
    asking.change(
        project=project,
        rating_axes=AXES if axes is None else axes,
        ask_strength=False,
        review_demonstrations=False,
        demonstration_least_characters=1,
    )
    assert intake.create_tasks(project=project, kind="rate") == 2
    project.refresh_from_db()
    return project


def in_hand(project: Project) -> tuple[Annotator, Assignment]:
    annotator = make_annotator(project)
    return annotator, taken(annotator)


def scores(*pairs: tuple[int | None, int | None]) -> list[dict[str, int | None]]:
    return [{"helpful": helpful, "honest": honest} for helpful, honest in pairs]


def scores_standing(assignment: Assignment) -> set[tuple[str, str, float | None]]:
    """What stands, by the texts "Answer 0" to "Answer 2"."""
    return set(rating.current(assignment).values_list("completion__text", "axis", "score"))


SIX = {
    ("Answer 0", "helpful", 1.0),
    ("Answer 0", "honest", 5.0),
    ("Answer 1", "helpful", 7.0),
    ("Answer 1", "honest", None),
    ("Answer 2", "helpful", 4.0),
    ("Answer 2", "honest", 1.0),
}


def test_a_score_a_completion_and_axis_is_stored_and_the_task_is_done() -> None:
    annotator, assignment = in_hand(rated_project())
    rating.submit(
        assignment=assignment,
        annotator=annotator,
        scores=scores((1, 5), (7, None), (4, 1)),
        active_seconds=9.5,
    )
    assert scores_standing(assignment) == SIX
    assignment.refresh_from_db()
    assert assignment.status == "submitted"
    assert set(Rating.objects.values_list("annotator", "active_seconds", "guideline_version")) == {
        (annotator.pk, 9.5, 1)
    }
    assert taken(annotator).task != assignment.task


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (scores((1, 1), (1, 1)), "all 3 completions"),
        (scores((8, 1), (1, 1), (1, 1)), "from 1 to 7"),
        (scores((0, 1), (1, 1), (1, 1)), "from 1 to 7"),
        (scores((None, 1), (1, 1), (1, 1)), "Helpful needs a score"),
        ([{"helpful": 1}] * 3, "Honest has no score yet"),
    ],
)
def test_an_answer_that_is_not_whole_or_off_its_scale_is_refused(answer: Any, why: str) -> None:
    annotator, assignment = in_hand(rated_project())
    with pytest.raises(BadRating, match=why):
        rating.submit(assignment=assignment, annotator=annotator, scores=answer)
    assert not Rating.objects.exists()
    assignment.refresh_from_db()
    assert assignment.status == "open"


def test_a_rating_is_no_ranking_and_the_other_way_round() -> None:
    annotator, assignment = in_hand(rated_project())
    with pytest.raises(BadRequest, match="another kind"):
        ranking.submit(assignment=assignment, annotator=annotator, verdict="ranked", ranks=[1, 2, 3])
    project = make_project()
    make_tasks(project, 1)
    bob = make_annotator(project)
    with pytest.raises(BadRequest, match="another kind"):
        rating.submit(assignment=taken(bob), annotator=bob, scores=[{"quality": 1}] * 3)
    assert not Ranking.objects.exists()
    assert not Rating.objects.exists()


def test_a_lease_that_others_took_over_counts_no_more() -> None:
    project = rated_project()
    alice, assignment = in_hand(project)
    run_out(assignment)
    bob = make_annotator(project)
    while True:
        other = taken(bob)
        if other.task == assignment.task:
            break
        queue.skip(assignment=other, annotator=bob, reason="not that one")
    # Alice's lease ended only when the sweep found it; then Bob got the task.
    with pytest.raises(LeaseOver):
        rating.submit(assignment=assignment, annotator=alice, scores=scores(*[(1, 1)] * 3))
    assert not Rating.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_eight_submissions_at_once_are_one_answer() -> None:
    annotator, assignment = in_hand(rated_project())
    six_scores = scores((1, 5), (7, None), (4, 1))
    answers = at_once(
        [lambda: rating.submit(assignment=assignment, annotator=annotator, scores=six_scores)] * 8
    )
    assert {tuple(sorted(one.pk for one in answer)) for answer in answers if isinstance(answer, list)} == {
        tuple(Rating.objects.order_by("pk").values_list("pk", flat=True))
    }
    assert len([answer for answer in answers if isinstance(answer, list)]) == 8
    assert scores_standing(assignment) == SIX
    assert Rating.objects.count() == 6


def test_what_changes_supersedes_and_the_rest_stays() -> None:
    annotator, assignment = in_hand(rated_project())
    old = rating.submit(assignment=assignment, annotator=annotator, scores=scores((1, 5), (7, None), (4, 1)))
    new = rating.revise(
        assignment=assignment, annotator=annotator, scores=scores((1, 5), (6, None), (4, None))
    )
    changed = {(row.completion.text, row.axis, row.score) for row in new}
    assert changed == {("Answer 1", "helpful", 6), ("Answer 2", "honest", None)}
    assert {row.supersedes for row in new} == {old[2], old[5]}
    assert (
        scores_standing(assignment)
        == SIX - {("Answer 1", "helpful", 7.0), ("Answer 2", "honest", 1.0)} | changed
    )
    assert Rating.objects.count() == 8
    assert list(rating.revisable(annotator)) == [assignment]
    Assignment.objects.update(closed_at=timezone.now() - timedelta(days=1, seconds=1))
    assert not rating.revisable(annotator).exists()


@pytest.mark.django_db(transaction=True)
def test_of_four_revisions_at_once_one_stands_whole() -> None:
    annotator, assignment = in_hand(rated_project())
    rating.submit(assignment=assignment, annotator=annotator, scores=scores(*[(1, 1)] * 3))
    at_once(
        [
            lambda score=value: rating.revise(  # type: ignore[misc]
                assignment=assignment, annotator=annotator, scores=scores(*[(score, score)] * 3)
            )
            for value in (2, 3, 4, 5)
        ]
    )
    assert rating.current(assignment).count() == 6
    assert rating.current(assignment).values("score").distinct().count() == 1
    assert Rating.objects.count() == 30


def test_export_import_export_of_ratings_made_here_gives_the_same_bytes() -> None:
    project = rated_project()
    annotator, assignment = in_hand(project)
    rating.submit(
        assignment=assignment, annotator=annotator, scores=scores((1, 5), (7, None), (4, 1)), active_seconds=3
    )
    rating.revise(assignment=assignment, annotator=annotator, scores=scores((2, 5), (7, None), (4, 1)))
    first = out(project, "ratings")
    lines = out_values(project, "ratings")
    assert [line["score"] for line in lines if line["concord"].get("superseded")] == [1.0]
    assert [line["score"] for line in lines].count(None) == 1
    assert {line["concord"]["guideline_version"] for line in lines} == {1}
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    again = emptied(project)
    put_bytes(again, "ratings", first)
    assert out(again, "ratings") == first
    current = Rating.objects.current()
    assert (Rating.objects.count(), current.count(), current.filter(score=None).count()) == (7, 6, 1)


def test_tasks_are_made_once_a_prompt_and_of_the_newest_texts() -> None:
    project = make_project(annotators_per_task=2)
    make_tasks(project, 3, completions=4)
    assert intake.create_tasks(project=project, kind="rate", prompts=2, completions=2) == 2
    tasks = project.tasks.filter(kind="rate")
    assert [task.slots.count() for task in tasks] == [2, 2]
    assert {tuple(e.completion.text for e in task.entries.all()) for task in tasks} == {
        ("Answer 2", "Answer 3")
    }
    assert intake.create_tasks(project=project, kind="rate", prompts=9) == 1
    assert intake.create_tasks(project=project, kind="rate", prompts=9) == 0
    # What is exported as tasks to be ranked are those alone.
    assert len(out_values(project, "completions")) == 3


@pytest.mark.parametrize(
    "wish", [{"kind": "rank"}, {"kind": "rate", "prompts": 0}, {"kind": "rate", "completions": 10}]
)
def test_what_cannot_be_asked_is_refused(wish: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        intake.create_tasks(project=make_project(), **wish)


@pytest.mark.parametrize(
    ("axes", "why"),
    [
        ([], "1 to 12 axes"),
        ("quality", "1 to 12 axes"),
        ([{"name": "A b"}], "small letters"),
        ([{"name": "a"}, {"name": "a"}], "two axes"),
        ([{"name": "a", "least": 5, "most": 5}], "span 2 to 9"),
        ([{"name": "a", "least": 1, "most": 10}], "span 2 to 9"),
        ([{"name": "a", "least": True, "most": 2}], "span 2 to 9"),
        ([{"name": "a", "colour": "red"}], "colour"),
        ([{"name": "a", "label": 3}], "label"),
        ([{"name": "a", "least_words": "NUL \0"}], "least_words"),
        ([{"name": "a", "required": "no"}], "true or false"),
    ],
)
def test_axes_that_cannot_be_asked_are_refused_and_change_nothing(axes: Any, why: str) -> None:
    project = make_project()
    before = project.rating_axes
    with pytest.raises(BadRequest, match=why):
        asking.change(
            project=project,
            rating_axes=axes,
            ask_strength=True,
            review_demonstrations=True,
            demonstration_least_characters=1,
        )
    project.refresh_from_db()
    assert (project.rating_axes, project.ask_strength) == (before, False)


@pytest.mark.parametrize(("least", "good"), [(0, False), (1, True), (100_000, True), (100_001, False)])
def test_an_answer_may_be_asked_to_have_1_to_100000_characters(least: int, good: bool) -> None:
    project = make_project()
    change = partial(
        asking.change,
        project=project,
        rating_axes=project.rating_axes,
        ask_strength=False,
        review_demonstrations=False,
        demonstration_least_characters=least,
    )
    if good:
        assert change().demonstration_least_characters == least
    else:
        with pytest.raises(BadRequest, match="1 to 100000"):
            change()
