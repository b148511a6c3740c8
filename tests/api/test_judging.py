"""An annotator through a program of their own: the queue's and the page's rules hold."""

import pytest

from annotation.checking import standing
from annotation.models import Annotator, Assignment, Comparison, Flag, Ranking
from tests.api.world import World, program, wrong_with

pytestmark = pytest.mark.django_db
HELPFUL = "projects/helpful/"


def test_ranks_by_letter_become_tiers_by_place(world: World) -> None:
    alice = program(world, "alice")
    task = alice.ask("POST", HELPFUL + "next/").json()
    assert task["id"] == str(world.ids["assignment"])
    # a best, then b and c, whatever letters they have for Alice.
    rank_of = {"a": 1, "b": 2, "c": 2}
    ranks = {one["letter"]: rank_of[one["text"][len("Answer ")]] for one in task["completions"]}
    judgement = {"ranks": ranks, "confidence": "high", "rationale": "Plain."}
    done = alice.ask("POST", HELPFUL + f"assignments/{task['id']}/submit/", judgement).json()
    assert (done["status"], done["judgement"]["ranks"]) == ("submitted", ranks)
    stored = Ranking.objects.get(assignment__public_id=task["id"])
    assert (stored.tiers, stored.confidence, stored.rationale) == ([1, 2, 2], "high", "Plain.")
    pairs = Comparison.objects.filter(ranking=stored).values_list("preferred__text", "rejected__text", "tie")
    assert {(a[7], b[7], tie) for a, b, tie in pairs} == {
        ("a", "b", False),
        ("a", "c", False),
        ("b", "c", True),
    }
    # Sent again it is the same judgement, and the next task is another.
    again = alice.ask("POST", HELPFUL + f"assignments/{task['id']}/submit/", judgement)
    assert (again.status_code, Ranking.objects.filter(task=stored.task).count()) == (200, 1)
    assert alice.ask("POST", HELPFUL + "next/").json()["id"] != task["id"]


def test_a_draft_is_kept_and_comes_back(world: World) -> None:
    alice = program(world, "alice")
    path = HELPFUL + f"assignments/{world.ids['assignment']}/"
    before = Assignment.objects.get(public_id=world.ids["assignment"]).expires_at
    assert alice.ask("PUT", path + "draft/", {"ranks": {"B": 1}, "rationale": "so far"}).status_code == 200
    kept = alice.ask("POST", HELPFUL + "next/").json()["judgement"]
    assert (kept["ranks"], kept["rationale"]) == ({"B": 1}, "so far")
    assert Assignment.objects.get(public_id=world.ids["assignment"]).expires_at > before


@pytest.mark.parametrize(
    ("judgement", "field"),
    [
        ({}, "ranks"),
        ({"ranks": {"A": 1, "B": 2}}, "ranks"),
        ({"ranks": {"A": 1, "B": 2, "C": 3, "D": 4}}, "ranks"),
        ({"ranks": {"A": 0, "B": 2, "C": 3}}, "ranks/A"),
        ({"ranks": {"A": "first", "B": 2, "C": 3}}, "ranks/A"),
        ({"verdict": "fine"}, "verdict"),
        ({"verdict": "all_bad", "active_seconds": -1}, "active_seconds"),
    ],
)
def test_a_judgement_that_is_not_whole_is_not_stored(
    world: World, judgement: dict[str, object], field: str
) -> None:
    alice = program(world, "alice")
    answer = alice.ask("POST", HELPFUL + f"assignments/{world.ids['assignment']}/submit/", judgement)
    assert wrong_with(answer) == [f"#/{field}"]
    assert not Ranking.objects.filter(assignment__public_id=world.ids["assignment"]).exists()


def test_a_verdict_without_an_order_needs_its_reason(world: World) -> None:
    alice = program(world, "alice")
    path = HELPFUL + f"assignments/{world.ids['assignment']}/submit/"
    assert alice.ask("POST", path, {"verdict": "all_bad"}).json()["code"] == "bad_ranking"
    assert alice.ask("POST", path, {"verdict": "all_bad", "reason": "nonsense"}).status_code == 200
    stored = Ranking.objects.get(assignment__public_id=world.ids["assignment"])
    assert (stored.verdict, stored.tiers, stored.metadata) == ("all_bad", [], {"reason": "nonsense"})


def test_active_seconds_are_no_more_than_there_were(world: World) -> None:
    alice = program(world, "alice")
    judgement = {"ranks": {"A": 1, "B": 1, "C": 1}, "active_seconds": 1e9}
    alice.ask("POST", HELPFUL + f"assignments/{world.ids['assignment']}/submit/", judgement)
    seconds = Ranking.objects.get(assignment__public_id=world.ids["assignment"]).active_seconds
    assert seconds is not None
    assert 0 <= seconds < 600


def test_skipped_and_released_and_flagged_are_three_things(world: World) -> None:
    alice = program(world, "alice")
    first = HELPFUL + f"assignments/{world.ids['assignment']}/"
    flagged = alice.ask("POST", first + "flag/", {"category": "harmful", "words": "a recipe"}).json()
    assert flagged["status"] == "open"
    assert Flag.objects.get(category="harmful").words == "a recipe"
    assert alice.ask("POST", first + "release/").json()["status"] == "released"
    # What was handed back comes again; what was skipped does not.
    second = alice.ask("POST", HELPFUL + "next/").json()
    path = HELPFUL + f"assignments/{second['id']}/skip/"
    assert alice.ask("POST", path, {}).status_code == 400
    assert alice.ask("POST", path, {"reason": "hard"}).json()["reason"] == "hard"
    statuses = [row["status"] for row in alice.rows(HELPFUL + "assignments/")]
    assert sorted(statuses) == ["released", "skipped"]
    assert alice.rows(HELPFUL + "assignments/?status=open") == []


def test_the_end_of_the_queue_is_an_empty_answer(world: World) -> None:
    alice = program(world, "alice")
    for _ in range(10):
        answer = alice.ask("POST", HELPFUL + "next/")
        if answer.status_code == 204:
            break
        path = HELPFUL + f"assignments/{answer.json()['id']}/submit/"
        assert alice.ask("POST", path, {"ranks": {"A": 1, "B": 2, "C": 3}}).status_code == 200
    assert (answer.status_code, answer.content) == (204, b"")
    # Four tasks, of which Carol's is done.
    assert Ranking.objects.filter(annotator__user=world.cast.alice).count() == 3


def test_whoever_is_paused_is_told_why(world: World) -> None:
    alice = program(world, "alice")
    assert alice.ask("POST", HELPFUL + f"assignments/{world.ids['assignment']}/release/").status_code == 200
    annotator = Annotator.objects.get(user=world.cast.alice)
    standing.pause(annotator=annotator, why="Let us talk first.", by=world.cast.carol)
    answer = alice.ask("POST", HELPFUL + "next/")
    assert (answer.status_code, answer.json()["code"]) == (403, "claims_paused")
    assert "Let us talk first." in answer.json()["detail"]
