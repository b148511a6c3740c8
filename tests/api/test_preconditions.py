"""Of two who saw the same, the second to write learns that it is not so any more."""

from typing import Any

import pytest

from annotation.files import transfers
from annotation.models import Annotator, Slot, Task
from annotation.webhooks import subscribing
from console.api.schema import document
from runs.models import Run
from tests.api.world import Program, World, program, token_of

pytestmark = pytest.mark.django_db
HELPFUL = "projects/helpful/"
CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    HELPFUL: ({"name": "First"}, {"settings": {"annotators_per_task": 2}}),
    HELPFUL + "members/frank/": ({"role": "researcher"}, {"role": "annotator"}),
    HELPFUL + "retraining/": ({"retrain_hours": 5}, {"retrain_rankings": 6}),
    HELPFUL + "activation/": ({"activates": False}, {"activation_prompts": 60}),
    HELPFUL + "succession/": ({"succeeds": False}, {"succession_prompts": 60}),
}


def change(who: Program, path: str, body: dict[str, Any], tag: str | None) -> Any:
    named = {} if tag is None else {"If-Match": tag}
    return who._client.patch(
        f"/api/v1/{path}", body, content_type="application/json", headers={**who.headers, **named}
    )


# Below ids that the world knows.
BY_ID: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "tasks": ({"priority": 3}, {"priority": 4}),
    "webhooks": ({"active": False}, {"url": "https://example.org/other"}),
    "runs": ({"note": "Mine"}, {"tags": ["kept"]}),
}


def id_of(world: World, kind: str) -> Any:
    """Of one that is there."""
    if kind == "tasks":
        return Task.objects.filter(project=world.cast.project).latest("pk").public_id
    if kind == "webhooks":
        return subscribing.create(
            project=world.cast.project, url="https://example.org/hook", events=["run.ended"]
        )[0].public_id
    return transfers.request_export(project=world.cast.project, kind="pairs").pk


@pytest.mark.parametrize("path", [*CHANGES, *BY_ID])
def test_a_change_of_what_has_changed_is_refused(world: World, path: str) -> None:
    first, second = CHANGES.get(path) or BY_ID[path]
    if path in BY_ID:
        path = f"{HELPFUL}{path}/{id_of(world, path)}/"
    carol = program(world, "carol")
    seen = carol.ask("GET", path)
    done = change(carol, path, first, seen.headers["ETag"])
    assert (done.status_code, done.headers["ETag"] != seen.headers["ETag"]) == (200, True)
    refused = change(carol, path, second, seen.headers["ETag"])
    assert (refused.status_code, refused.json()["code"]) == (412, "changed")
    now = carol.ask("GET", path)
    assert (now.json(), now.headers["ETag"]) == (done.json(), done.headers["ETag"])
    # Several may be named; of any that is there, any is good; and who names none changes what there is.
    assert change(carol, path, second, f'"other", {now.headers["ETag"]}').status_code == 200
    assert change(carol, path, first, "*").status_code == 200
    assert change(carol, path, second, None).status_code == 200


def test_whatever_can_be_changed_in_part_has_a_tag() -> None:
    """A PATCH or PUT that takes no If-Match would let the second of two overwrite the first, unseen."""
    changing = {
        f"{method} {path}": {one["name"] for one in operation["parameters"]}
        for path, operations in document()["paths"].items()
        for method, operation in operations.items()
        if method in ("patch", "put")
    }
    assert len(changing) > 8
    assert [name for name, parameters in changing.items() if "If-Match" not in parameters] == []


def test_work_that_goes_on_is_no_change_of_what_is_changed_by_hand(world: World) -> None:
    carol = program(world, "carol")
    task, run = (f"{HELPFUL}{kind}/{id_of(world, kind)}/" for kind in ("tasks", "runs"))
    seen = {path: carol.ask("GET", path).headers["ETag"] for path in (task, run)}
    Slot.objects.filter(task__public_id=task.split("/")[-2]).update(
        annotator=Annotator.objects.filter(project=world.cast.project).earliest("pk")
    )
    Run.objects.filter(pk=run.split("/")[-2]).update(done=3, total=5)
    assert change(carol, task, {"priority": 3}, seen[task]).status_code == 200
    assert change(carol, run, {"note": "Mine"}, seen[run]).status_code == 200


def test_of_two_devices_the_second_draft_is_refused_and_the_first_stays(world: World) -> None:
    alice = Program(token_of(world.cast.alice, "annotate"))
    in_hand = alice.ask("POST", HELPFUL + "next/").json()
    path = f"{HELPFUL}assignments/{in_hand['id']}/"
    first, second = ({"ranks": {letter: 1}} for letter in ("A", "B"))
    seen = alice.ask("GET", path).headers["ETag"]
    kept = put_draft(alice, path, first, seen)
    assert (kept.status_code, kept.json()["judgement"]["ranks"]) == (200, first["ranks"])
    assert put_draft(alice, path, second, seen).status_code == 412
    assert alice.ask("GET", path).json()["judgement"]["ranks"] == first["ranks"]
    assert put_draft(alice, path, second, kept.headers["ETag"]).status_code == 200
    assert put_draft(alice, path, first, None).status_code == 200


def put_draft(who: Program, path: str, body: dict[str, Any], tag: str | None) -> Any:
    named = {} if tag is None else {"If-Match": tag}
    return who._client.put(
        f"/api/v1/{path}draft/", body, content_type="application/json", headers={**who.headers, **named}
    )


@pytest.mark.parametrize("tag", ['"other"', "", "nonsense", 'W/"other"'])
def test_a_tag_of_nothing_changes_nothing(world: World, tag: str) -> None:
    assert change(program(world, "carol"), HELPFUL, {"name": "New"}, tag).status_code == 412
    assert program(world, "carol").ask("GET", HELPFUL).json()["name"] == "Helpful answers"


def test_the_same_is_shown_under_the_same_tag(world: World) -> None:
    carol = program(world, "carol")
    assert len({carol.ask("GET", HELPFUL).headers["ETag"] for _ in range(3)}) == 1
