"""Changing a judgement that was submitted, of each kind, by the rules of the page."""

from typing import Any

import pytest

from annotation.files import intake
from annotation.models import Assignment, Demonstration, Project, Ranking, Rating
from tests.annotation.factories import make_tasks, put
from tests.api.test_kinds import send, take, world_without_rankings
from tests.api.world import Program, World, program, wrong_with
from tests.worlds import once_a_module

pytestmark = pytest.mark.django_db
HELPFUL = "projects/helpful/"
_rows, world = once_a_module(world_without_rankings)
FIRST, SECOND = {"ranks": {"A": 1, "B": 2}}, {"ranks": {"A": 2, "B": 1}, "confidence": "low"}


@pytest.fixture
def alice(world: World) -> Program:
    return program(world, "alice")


@pytest.fixture
def ranked(world: World, alice: Program) -> dict[str, Any]:
    """A pair that Alice has compared."""
    make_tasks(world.cast.project, 1, completions=2)
    task = take(alice)
    assert send(alice, task, "submit", FIRST).status_code == 200
    return task


def revise(who: Program, task: dict[str, Any], body: dict[str, Any], tag: str | None = None) -> Any:
    return who._client.post(
        f"/api/v1/{HELPFUL}assignments/{task['id']}/revise/",
        body,
        content_type="application/json",
        headers={**who.headers, **({} if tag is None else {"If-Match": tag})},
    )


def test_what_is_sent_again_with_its_key_gets_the_tag_of_the_first_answer_too(
    alice: Program, ranked: dict[str, Any]
) -> None:
    """Without it, whoever lost the first answer could not say what they saw when they revise once more."""
    path = HELPFUL + f"assignments/{ranked['id']}/revise/"
    first, again = (alice.ask("POST", path, SECOND, key="one") for _ in range(2))
    assert (again.status_code, again.headers["Idempotency-Replayed"], again.content) == (
        200,
        "true",
        first.content,
    )
    assert again.headers["ETag"] == first.headers["ETag"] == seen(alice, ranked).headers["ETag"]
    assert revise(alice, ranked, FIRST, tag=again.headers["ETag"]).status_code == 200


def seen(who: Program, task: dict[str, Any]) -> Any:
    return who.ask("GET", HELPFUL + f"assignments/{task['id']}/")


def test_an_order_is_put_in_the_place_of_another_by_the_same_letters(
    alice: Program, ranked: dict[str, Any]
) -> None:
    done = revise(alice, ranked, SECOND)
    assert (done.status_code, done.json()["judgement"]["ranks"]) == (200, SECOND["ranks"])
    old, new = Ranking.objects.order_by("pk")
    assert (old.is_current, new.is_current, new.supersedes, new.confidence) == (False, True, old, "low")
    assert [sorted(one.tiers) for one in (old, new)] == [[1, 2], [1, 2]]
    assert old.tiers != new.tiers
    assert seen(alice, ranked).json() == done.json()


def test_scores_that_differ_get_a_new_version(world: World, alice: Program) -> None:
    intake.create_tasks(project=world.cast.project, kind="rate", prompts=1, completions=2)
    task = take(alice)
    scores: dict[str, Any] = {letter: {"helpful": 1, "honest": None} for letter in "AB"}
    assert revise(alice, task, {"scores": scores}).status_code == 400
    assert send(alice, task, "rate", {"scores": scores}).status_code == 200
    changed = {**scores, "B": {"helpful": 5, "honest": None}}
    assert revise(alice, task, {"scores": changed}).json()["judgement"] == {"scores": changed}
    mine = Rating.objects.filter(assignment__public_id=task["id"])
    assert (mine.count(), mine.filter(is_current=False).count()) == (5, 1)
    assert wrong_with(revise(alice, task, {"ranks": {"A": 1}})) == ["#/scores"]


def test_an_answer_that_was_sent_back_is_written_anew(world: World, alice: Program) -> None:
    put(world.cast.project, "prompts", {"prompt": "What is rain?"})
    intake.create_tasks(project=world.cast.project, kind="demonstrate", prompts=1)
    task, carol = take(alice), program(world, "carol")
    assert send(alice, task, "write", {"text": "Water that falls."}).status_code == 200
    to_review = carol.ask("POST", HELPFUL + "reviews/next/").json()
    carol.ask("POST", HELPFUL + f"reviews/{to_review['id']}/send-back/", {"comment": "From where?"})
    # Sent back it may be changed whenever.
    Project.objects.update(revise_hours=0)
    done = revise(alice, task, {"text": "Water that falls from clouds."})
    assert (done.status_code, done.json()["judgement"]["text"]) == (200, "Water that falls from clouds.")
    stored = Demonstration.objects.current().get(assignment__public_id=task["id"])
    assert (stored.review, stored.supersedes is None) == ("waiting", False)
    assert revise(alice, task, {"text": "Wat"}).status_code == 400


def test_what_is_too_old_is_refused(alice: Program, ranked: dict[str, Any]) -> None:
    Project.objects.update(revise_hours=0)
    refused = revise(alice, ranked, SECOND)
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_request")
    assert "no longer" in refused.json()["detail"]
    assert Ranking.objects.count() == 1


@pytest.mark.parametrize("status", ["skipped", "released", "expired"])
def test_what_is_not_submitted_is_refused(alice: Program, ranked: dict[str, Any], status: str) -> None:
    Assignment.objects.update(status=status)
    assert revise(alice, ranked, SECOND).status_code == 400
    assert Ranking.objects.count() == 1


def test_what_is_somebody_elses_is_not_found(world: World, ranked: dict[str, Any]) -> None:
    for name in ("carol", "olivia", "bob"):
        assert revise(program(world, name), ranked, SECOND).status_code == 404
    assert Ranking.objects.count() == 1


def test_what_was_changed_meanwhile_is_refused_to_who_says_what_they_saw(
    alice: Program, ranked: dict[str, Any]
) -> None:
    tag = seen(alice, ranked).headers["ETag"]
    done = revise(alice, ranked, SECOND, tag)
    assert (done.status_code, done.headers["ETag"] != tag) == (200, True)
    refused = revise(alice, ranked, FIRST, tag)
    assert (refused.status_code, refused.json()["code"]) == (412, "changed")
    assert Ranking.objects.count() == 2
    assert revise(alice, ranked, FIRST, done.headers["ETag"]).status_code == 200
    assert revise(alice, ranked, SECOND).status_code == 200


@pytest.mark.parametrize(
    "body", [{}, {"ranks": {"A": 1}}, {"ranks": {"Z": 1}}, {"ranks": None}, {"text": "a"}, {"scores": {}}]
)
def test_what_is_not_whole_changes_nothing(
    alice: Program, ranked: dict[str, Any], body: dict[str, Any]
) -> None:
    assert wrong_with(revise(alice, ranked, body)) == ["#/ranks"]
    assert Ranking.objects.count() == 1
