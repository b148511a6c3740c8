"""Of two who saw the same, the second to write learns that it is not so any more."""

from collections import Counter
from typing import Any

import pytest

from annotation.models import Membership
from tests.annotation.judging import at_once
from tests.api.world import Program, World, make_world, program, token_of

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


@pytest.mark.parametrize("path", CHANGES)
def test_a_change_of_what_has_changed_is_refused(world: World, path: str) -> None:
    first, second = CHANGES[path]
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


@pytest.mark.parametrize("tag", ['"other"', "", "nonsense", 'W/"other"'])
def test_a_tag_of_nothing_changes_nothing(world: World, tag: str) -> None:
    assert change(program(world, "carol"), HELPFUL, {"name": "New"}, tag).status_code == 412
    assert program(world, "carol").ask("GET", HELPFUL).json()["name"] == "Helpful answers"


def test_the_same_is_shown_under_the_same_tag(world: World) -> None:
    carol = program(world, "carol")
    assert len({carol.ask("GET", HELPFUL).headers["ETag"] for _ in range(3)}) == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_who_saw_the_same_one_writes() -> None:
    world = make_world()
    secret = token_of(world.cast.carol)
    tag = Program(secret).ask("GET", HELPFUL + "members/frank/").headers["ETag"]
    assert Membership.objects.get(user__username="frank").role == "annotator"
    answers = at_once(
        [lambda: change(Program(secret), HELPFUL + "members/frank/", {"role": "researcher"}, tag).status_code]
        * 8
    )
    assert Counter(answers) == {200: 1, 412: 7}
