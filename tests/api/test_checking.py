"""Quality control through a program: gold, decisions, pauses, withdrawals; by the functions of the pages."""

from typing import Any

import pytest

from annotation import people
from annotation.collecting import queue, ranking
from annotation.models import (
    Annotator,
    Project,
    Prompt,
    Ranking,
    Slot,
    Snapshot,
    StandingChange,
    Task,
    Withdrawal,
)
from annotation.withdrawal import erasure
from tests.annotation.factories import make_tasks
from tests.api.world import Program, World, program, wrong_with

pytestmark = pytest.mark.django_db
HELPFUL = "projects/helpful/"


@pytest.fixture
def carol(world: World) -> Program:
    return program(world, "carol")


def carols(world: World) -> Annotator:
    return people.annotator_for(project=world.cast.project, user=world.cast.carol)


def test_what_somebody_ranked_becomes_gold_and_ordinary_again(world: World, carol: Program) -> None:
    marked = carol.ask("POST", HELPFUL + "gold/", {"annotator": str(carols(world).public_id)})
    assert (marked.status_code, marked.json()) == (201, {"tasks": [str(world.ids["ranked"])]})
    task = Task.objects.get(public_id=world.ids["ranked"])
    assert (task.purpose, task.gold_tiers, Slot.objects.filter(task=task).count()) == ("gold", [1, 2, 3], 0)
    assert [row["id"] for row in carol.rows(HELPFUL + "tasks/?purpose=gold")] == marked.json()["tasks"]
    path = HELPFUL + f"gold/{task.public_id}/"
    assert carol.ask("DELETE", path).status_code == 204
    task.refresh_from_db()
    assert (task.purpose, task.gold_tiers, Slot.objects.filter(task=task).count()) == ("collect", None, 1)
    assert carol.ask("DELETE", path).status_code == 404


def test_tasks_become_gold_by_id_or_key(world: World, carol: Program) -> None:
    task = Task.objects.get(public_id=world.ids["ranked"])
    assert carol.ask("POST", HELPFUL + "gold/", {"tasks": [task.key]}).status_code == 201
    assert Task.objects.gold().get() == task


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#"),
        ({"tasks": []}, "#/tasks"),
        ({"tasks": [None]}, "#/tasks/0"),
        ({"tasks": "all"}, "#/tasks"),
        ({"annotator": "x"}, "#/annotator"),
        ({"annotator": "0e2b8a1c-6d0c-4a8f-8a35-1c8e6b1f5a77"}, "#/annotator"),
    ],
)
def test_gold_of_nothing_is_refused(carol: Program, body: dict[str, Any], pointer: str) -> None:
    assert wrong_with(carol.ask("POST", HELPFUL + "gold/", body)) == [pointer]
    assert not Task.objects.gold().exists()


def test_a_task_that_nobody_ranked_or_that_is_not_there_becomes_no_gold(world: World, carol: Program) -> None:
    (task,) = make_tasks(world.cast.project, 1)
    for name in (str(task.public_id), "nothing"):
        answer = carol.ask("POST", HELPFUL + "gold/", {"tasks": [name]})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert not Task.objects.gold().exists()


def disagreed(world: World) -> Task:
    """A task that Alice and Carol rank the other way round."""
    Project.objects.filter(pk=world.cast.project.pk).update(annotators_per_task=2, adjudicate_below=0.9)
    world.cast.project.refresh_from_db()
    # Asked before the others.
    (task,) = make_tasks(world.cast.project, 1, completions=2, priority=100)
    for user, ranks in ((world.cast.carol, [1, 2]), (world.cast.alice, [2, 1])):
        annotator = people.annotator_for(project=world.cast.project, user=user)
        for open_one in annotator.assignments.filter(status="open"):
            queue.release(assignment=open_one, annotator=annotator)
        taken = queue.claim(annotator=annotator)
        assert taken is not None
        assert taken.task == task
        ranking.submit(assignment=taken, annotator=annotator, verdict="ranked", ranks=ranks)
    return task


def test_a_disagreement_is_listed_until_it_is_decided_once(world: World, carol: Program) -> None:
    assert carol.ask("GET", HELPFUL + "disagreements/").json() == {"adjudicate_below": None, "undecided": []}
    task = disagreed(world)
    listed = carol.ask("GET", HELPFUL + "disagreements/").json()
    (row,) = listed["undecided"]
    rankings = Ranking.objects.filter(task=task)
    assert (listed["adjudicate_below"], row["task"], row["agreement"]) == (0.9, str(task.public_id), 0.0)
    assert row["rankings"] == [str(one.public_id) for one in rankings.order_by("pk")]
    path = HELPFUL + f"tasks/{task.public_id}/decide/"
    for tiers in ([1], [1, 2, 3], [0, 1], [1, None], "12", None):
        assert carol.ask("POST", path, {"tiers": tiers}).status_code == 400
    decided = carol.ask("POST", path, {"tiers": [2, 1], "rationale": "It is right."})
    assert (decided.status_code, decided.json()["tiers"], decided.json()["rationale"]) == (
        201,
        [2, 1],
        "It is right.",
    )
    stored = Ranking.objects.get(public_id=decided.json()["id"])
    assert (stored.task.purpose, stored.task.repeats, stored.annotator) == (
        "adjudication",
        task,
        carols(world),
    )
    assert carol.ask("GET", HELPFUL + "disagreements/").json()["undecided"] == []
    assert carol.ask("POST", path, {"tiers": [1, 2]}).status_code == 400
    assert rankings.count() == 2


def test_who_is_paused_gets_no_task_until_they_are_resumed(world: World, carol: Program) -> None:
    alice, path = program(world, "alice"), HELPFUL + f"annotators/{world.ids['annotator']}/"
    alice.ask("POST", HELPFUL + f"assignments/{world.ids['assignment']}/release/")
    assert wrong_with(carol.ask("POST", path + "pause/", {})) == ["#/why"]
    paused = carol.ask("POST", path + "pause/", {"why": "Too fast."})
    assert (paused.status_code, paused.json()["standing"]) == (200, "paused")
    refused = alice.ask("POST", HELPFUL + "next/")
    assert (refused.status_code, refused.json()["code"], refused.json()["detail"]) == (
        403,
        "claims_paused",
        "Too fast.",
    )
    assert carol.ask("POST", path + "pause/", {"why": "Again."}).status_code == 400
    assert carol.ask("POST", path + "resume/", {"why": "Slower."}).json()["standing"] == "fine"
    assert alice.ask("POST", HELPFUL + "next/").status_code == 200
    changes = StandingChange.objects.filter(annotator__public_id=world.ids["annotator"])
    assert {change.changed_by for change in changes} == {world.cast.carol}


def test_an_annotators_data_goes_and_its_withdrawal_says_what_had_used_it(
    world: World, carol: Program
) -> None:
    who = carols(world)
    answers = [carol.ask("POST", HELPFUL + "withdrawals/", {"annotator": str(who.public_id)}) for _ in "ab"]
    assert [one.status_code for one in answers] == [201, 201]
    row = answers[0].json()
    assert answers[1].json() == row, "twice is once"
    assert (row["annotator"], row["prompt"], row["requested_by"]) == (
        str(who.public_id),
        None,
        world.cast.carol.username,
    )
    who.refresh_from_db()
    assert (who.withdrawn_at is None, Ranking.objects.get().rationale) == (False, "")
    assert [one["id"] for one in carol.rows(HELPFUL + "withdrawals/")] == [
        row["id"],
        str(world.ids["withdrawal"]),
    ]
    Snapshot.objects.all().delete()  # it has no file
    erasure.finish(withdrawal=Withdrawal.objects.get(public_id=row["id"]))
    detail = carol.ask("GET", HELPFUL + f"withdrawals/{row['id']}/").json()
    assert (detail["used"]["erased"]["rankings"], detail["used"]["snapshots"]) == (1, [])
    assert detail["files_done_at"] is not None


def test_a_prompts_data_goes(world: World, carol: Program) -> None:
    body = {"prompt": str(world.ids["prompt"])}
    assert carol.ask("POST", HELPFUL + "withdrawals/", body).json()["prompt"] == body["prompt"]
    stored = Prompt.objects.get(public_id=world.ids["prompt"])
    assert (stored.withdrawn_at is None, stored.messages[0]["content"]) == (False, "")
    assert carol.ask("GET", HELPFUL + f"prompts/{body['prompt']}/").status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#"),
        ({"annotator": "a@example.org"}, "#/annotator"),
        ({"prompt": None}, "#/prompt"),
        ({"prompt": "0e2b8a1c-6d0c-4a8f-8a35-1c8e6b1f5a77"}, "#/prompt"),
        ({"prompt": "0e2b8a1c-6d0c-4a8f-8a35-1c8e6b1f5a77", "annotator": "{annotator}"}, "#"),
    ],
)
def test_who_names_nobody_or_two_takes_nothing_back(
    world: World, carol: Program, body: dict[str, Any], pointer: str
) -> None:
    before = Withdrawal.objects.count()
    sent = {name: value and value.format(**world.ids) for name, value in body.items()}
    assert wrong_with(carol.ask("POST", HELPFUL + "withdrawals/", sent)) == [pointer]
    assert Withdrawal.objects.count() == before


def test_an_annotator_of_another_project_is_not_taken_back(world: World, carol: Program) -> None:
    bobs = people.annotator_for(project=world.cast.other, user=world.bob)
    for what in ("withdrawals/", "gold/"):
        assert wrong_with(carol.ask("POST", HELPFUL + what, {"annotator": str(bobs.public_id)})) == [
            "#/annotator"
        ]
    path = HELPFUL + f"annotators/{bobs.public_id}/pause/"
    assert carol.ask("POST", path, {"why": "Too fast."}).status_code == 404
    bobs.refresh_from_db()
    assert (bobs.withdrawn_at, bobs.standing) == (None, "fine")


def test_snapshots_say_what_they_hold_by_their_digest(carol: Program) -> None:
    (row,) = carol.rows(HELPFUL + "snapshots/")
    assert (row["digest"], row["rankings"], row["comparisons"], row["simulated"], row["reproducible"]) == (
        "1" * 64,
        1,
        3,
        0,
        True,
    )
    assert carol.ask("GET", HELPFUL + f"snapshots/{row['digest']}/").json() == row
    assert carol.ask("GET", HELPFUL + "snapshots/2/").status_code == 404
    Snapshot.objects.update(reproducible=False)
    assert carol.rows(HELPFUL + "snapshots/?reproducible=true") == []
