"""Demonstrations: written by one person, accepted, edited or sent back by another; only what is accepted counts."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from annotation.checking import standing
from annotation.collecting import demonstrating
from annotation.errors import BadRequest, BadText, ClaimsPaused, LeaseOver, NotAllowed
from annotation.files import intake
from annotation.files.snapshots import write_demonstrations
from annotation.models import Annotator, Assignment, Demonstration, Project
from tests.annotation.factories import emptied, make_annotator, make_project, out, out_values, put, put_bytes
from tests.annotation.judging import at_once, taken

pytestmark = pytest.mark.django_db


def asked_project(review: bool = True, prompts: int = 2, **fields: Any) -> Project:
    """A project whose prompts wait for answers."""
    project = make_project(**fields)
    Project.objects.filter(pk=project.pk).update(review_demonstrations=review)
    project.refresh_from_db()
    put(project, "prompts", *({"prompt": f"Question {number}"} for number in range(prompts)))
    assert intake.create_tasks(project=project, kind="demonstrate") == prompts
    return project


def written(project: Project, text: str = "An answer.", by: Annotator | None = None) -> Demonstration:
    author = by or make_annotator(project)
    return demonstrating.submit(assignment=taken(author), annotator=author, text=text)


def trained_on(project: Project, folder: Path) -> list[str]:
    """The texts that SFT gets."""
    path = folder / "demonstrations.jsonl"
    write_demonstrations(project=project, path=path)
    return [json.loads(line)["completion"] for line in path.read_text().splitlines()]


def exported(project: Project) -> list[str]:
    return [line["completion"] for line in out_values(project, "demonstrations")]


def test_without_review_an_answer_counts_at_once(tmp_path: Path) -> None:
    project = asked_project(review=False)
    answer = written(project, "Line one.\r\nLine two.\n")
    assert (answer.text, answer.review, answer.prompt.last_text) == (
        "Line one.\nLine two.",
        "accepted",
        "Question 0",
    )
    assert trained_on(project, tmp_path) == exported(project) == ["Line one.\nLine two."]
    assert answer.assignment is not None
    answer.assignment.refresh_from_db()
    assert answer.assignment.status == "submitted"


def test_with_review_only_what_a_second_person_accepted_counts(tmp_path: Path) -> None:
    project = asked_project(prompts=3)
    author, reviewer = make_annotator(project), make_annotator(project)
    good, poor, waiting = (written(project, text, author) for text in ("Good.", "Poor.", "Waiting."))
    demonstrating.accept(demonstration=good, reviewer=reviewer)
    demonstrating.send_back(demonstration=poor, reviewer=reviewer, comment="Say why.")
    assert trained_on(project, tmp_path) == exported(project) == ["Good."]
    poor.refresh_from_db()
    waiting.refresh_from_db()
    assert (poor.review, poor.comment, poor.reviewer) == ("sent_back", "Say why.", reviewer)
    assert (waiting.review, waiting.reviewer) == ("waiting", None)


def test_an_edit_is_a_version_of_its_own_and_the_written_one_is_kept(tmp_path: Path) -> None:
    project = asked_project()
    answer, reviewer = written(project, "Teh answer."), make_annotator(project)
    edited = demonstrating.accept(
        demonstration=answer, reviewer=reviewer, text="The answer.", comment="One letter."
    )
    answer.refresh_from_db()
    assert (answer.text, answer.is_current) == ("Teh answer.", False)
    assert (edited.supersedes, edited.edited, edited.reviewer, edited.author) == (
        answer,
        True,
        reviewer,
        answer.author,
    )
    assert trained_on(project, tmp_path) == ["The answer."]


def test_the_author_revises_what_was_sent_back_and_it_waits_again() -> None:
    project = asked_project()
    answer, reviewer = written(project), make_annotator(project)
    demonstrating.send_back(demonstration=answer, reviewer=reviewer, comment="Longer, please.")
    author = answer.author
    assert author is not None
    Demonstration.objects.update(created_at=timezone.now() - timedelta(days=9))
    assert list(demonstrating.revisable(author)) == [answer]
    better = demonstrating.revise(demonstration=answer, annotator=author, text="A longer answer.")
    assert (better.review, better.supersedes, better.reviewer) == ("waiting", answer, None)
    assert demonstrating.claim_review(reviewer=reviewer) == better
    with pytest.raises(BadRequest, match="another version"):
        demonstrating.accept(demonstration=answer, reviewer=reviewer)


def test_nobody_reviews_their_own() -> None:
    project = asked_project()
    answer = written(project)
    author = answer.author
    assert author is not None
    assert demonstrating.claim_review(reviewer=author) is None
    with pytest.raises(NotAllowed):
        demonstrating.accept(demonstration=answer, reviewer=author)
    with pytest.raises(NotAllowed):
        demonstrating.send_back(demonstration=answer, reviewer=author, comment="Fine.")
    answer.refresh_from_db()
    assert answer.review == "waiting"


def test_nobody_revises_anothers_and_nobody_of_another_project_reviews() -> None:
    answer = written(asked_project())
    stranger = make_annotator(make_project())
    with pytest.raises(NotAllowed):
        demonstrating.revise(demonstration=answer, annotator=stranger, text="Mine.")
    with pytest.raises(NotAllowed):
        demonstrating.accept(demonstration=answer, reviewer=stranger)


@pytest.mark.parametrize("text", ["", "  \n", "nul\0", "short"])
def test_an_answer_that_cannot_be_kept_or_is_too_short_is_refused(text: str) -> None:
    project = asked_project()
    Project.objects.update(demonstration_least_characters=6)
    with pytest.raises(BadText):
        written(project, text)
    assert not Demonstration.objects.exists()
    assert written(project, "longer", Annotator.objects.get()).text == "longer"


@pytest.mark.django_db(transaction=True)
def test_eight_submissions_at_once_are_one_demonstration() -> None:
    author = make_annotator(asked_project())
    assignment = taken(author)
    answers = at_once(
        [lambda: demonstrating.submit(assignment=assignment, annotator=author, text="Once.")] * 8
    )
    assert set(answers) == {Demonstration.objects.get()}


@pytest.mark.django_db(transaction=True)
def test_reviewers_at_once_get_different_answers_and_one_decision_stands() -> None:
    project = asked_project(prompts=4)
    author = make_annotator(project)
    for number in range(4):
        written(project, f"Answer {number}", author)
    reviewers = [make_annotator(project) for _ in range(4)]
    claimed = at_once([lambda r=r: demonstrating.claim_review(reviewer=r) for r in reviewers])  # type: ignore[misc]
    assert set(claimed) == set(Demonstration.objects.all())
    claimed_answer = claimed[0]
    assert isinstance(claimed_answer, Demonstration)
    with pytest.raises(LeaseOver):
        demonstrating.accept(demonstration=claimed_answer, reviewer=reviewers[1])
    answers = at_once(
        [lambda: demonstrating.accept(demonstration=claimed_answer, reviewer=reviewers[0], text="Edited.")]
        * 4
    )
    assert len([answer for answer in answers if isinstance(answer, Demonstration)]) == 1
    assert len([answer for answer in answers if isinstance(answer, BadRequest)]) == 3
    assert Demonstration.objects.accepted().get().text == "Edited."


def test_a_review_that_was_left_comes_back_when_its_lease_ends() -> None:
    project = asked_project()
    answer = written(project)
    first, second = make_annotator(project), make_annotator(project)
    assert demonstrating.claim_review(reviewer=first) == answer
    assert demonstrating.claim_review(reviewer=first) == answer
    assert demonstrating.claim_review(reviewer=second) is None
    Demonstration.objects.update(held_until=timezone.now() - timedelta(seconds=1))
    assert demonstrating.claim_review(reviewer=second) == answer


def test_export_import_export_of_reviewed_answers_gives_the_same_bytes() -> None:
    project = asked_project(prompts=3)
    author, reviewer = make_annotator(project), make_annotator(project)
    plain, edited, poor = (written(project, text, author) for text in ("Plain.", "Rough.", "Poor."))
    demonstrating.accept(demonstration=plain, reviewer=reviewer)
    demonstrating.accept(demonstration=edited, reviewer=reviewer, text="Smooth.", comment="Smoother.")
    demonstrating.send_back(demonstration=poor, reviewer=reviewer, comment="No.")
    first = out(project, "demonstrations")
    provenance = [line["concord"] for line in out_values(project, "demonstrations")]
    assert [(one["reviewer"], one.get("edited"), one.get("comment")) for one in provenance] == [
        (reviewer.pseudonym, None, None),
        (reviewer.pseudonym, True, "Smoother."),
    ]
    again = emptied(project)
    put_bytes(again, "demonstrations", first)
    assert out(again, "demonstrations") == first
    assert Demonstration.objects.accepted().count() == 2


def test_a_task_goes_to_a_second_person_only_where_two_are_wanted() -> None:
    project = asked_project(prompts=1, annotators_per_task=2)
    for number in (1, 2):
        written(project, f"Answer {number}")
    assert Assignment.objects.filter(status="submitted").count() == 2
    assert Demonstration.objects.count() == 2


def test_nobody_holds_what_has_been_sent_back_or_accepted() -> None:
    project = asked_project()
    author, reviewer = make_annotator(project), make_annotator(project)
    for text in ("One.", "Two."):
        written(project, text, author)
    first = demonstrating.claim_review(reviewer=reviewer)
    assert first is not None
    back = demonstrating.send_back(demonstration=first, reviewer=reviewer, comment="Say why.")
    second = demonstrating.claim_review(reviewer=reviewer)
    assert second is not None
    done = demonstrating.accept(demonstration=second, reviewer=reviewer)
    assert (back.held_by, back.held_until, done.held_by, done.held_until) == (None,) * 4


@pytest.mark.parametrize("text", [" ", "a\0b"])
def test_an_answer_without_a_text_or_with_a_nul_is_refused(text: str) -> None:
    project = asked_project()
    with pytest.raises(BadText):
        intake.add_demonstration(
            prompt=project.prompts.all()[0], annotator=make_annotator(project), text=text
        )
    assert not Demonstration.objects.exists()


def test_whoever_is_paused_is_given_no_answer_to_review() -> None:
    project = asked_project()
    answer, reviewer = written(project), make_annotator(project)
    standing.pause(annotator=reviewer, why="Slow down.", by=None)
    with pytest.raises(ClaimsPaused):
        demonstrating.claim_review(reviewer=reviewer)
    answer.refresh_from_db()
    assert answer.held_by is None
