"""What people do with the client, on a live server."""

from typing import Any

import pytest

from annotation.models import Ranking
from concord_client import Client, ConcordError, Conflict, NotFound
from tests.annotation.factories import put
from tests.api.world import World, token_of

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


def test_an_annotator_judges_until_nothing_is_left(alice: Client, world: World) -> None:
    # Three of the four tasks: of each there are as many rankings as are wanted, and one has Carol's.
    judging = alice.project("helpful").judging
    judged = []
    while (task := judging.next()) is not None:
        judged.append(task["id"])
        ranks = {one["letter"]: place for place, one in enumerate(task["completions"], 1)}
        judging.draft(task["id"], ranks=ranks, rationale="so far")
        done = judging.submit(task["id"], ranks=ranks, confidence="high")
        assert done["status"] == "submitted"
    assert [one["status"] for one in judging.assignments()] == ["submitted"] * 3
    stored = Ranking.objects.filter(annotator__user=world.cast.alice)
    assert sorted(str(one.assignment.public_id) for one in stored if one.assignment) == sorted(judged)
    with pytest.raises(Conflict) as refused:
        judging.skip(judged[0], reason="too late")
    assert (refused.value.status, refused.value.code) == (409, "lease_over")


def test_every_row_of_a_list_comes_once_however_small_the_pages(carol: Client, world: World) -> None:
    put(world.cast.project, "prompts", *({"prompt": f"Another {number}"} for number in range(6)))
    prompts = carol.project("helpful").prompts
    expected = [
        str(one) for one in world.cast.project.prompts.order_by("pk").values_list("public_id", flat=True)
    ]
    assert len(expected) == 10
    for size in (1, 3, 10, 200):
        assert [one["id"] for one in prompts.all(page_size=size)] == expected
    assert [one["id"] for one in prompts.all()] == expected
    assert {one["split"] for one in prompts.all(page_size=1, split="test")} == {"test"}


def test_an_error_says_what_the_server_said(carol: Client, alice: Client) -> None:
    with pytest.raises(NotFound) as missing:
        carol.project("haiku").get()
    assert (missing.value.code, missing.value.errors) == ("not_found", ())
    with pytest.raises(ConcordError) as invalid:
        carol.project("helpful").tasks.make(kind="rate", prompts=-1)
    assert [one.get("pointer") for one in invalid.value.errors] == ["#/prompts"]
    assert str(invalid.value).endswith("(400 invalid)")
    # What an annotator may not do is not there for them.
    with pytest.raises(NotFound):
        alice.project("helpful").reward_models.fit()


def test_what_has_no_method_can_be_asked_too(carol: Client) -> None:
    answer = carol.request("GET", "projects/helpful/")
    changed = carol.request(
        "PATCH", "projects/helpful/", body={"name": "Kind"}, headers={"If-Match": answer.headers["ETag"]}
    )
    assert changed.json()["name"] == "Kind"
    with pytest.raises(Conflict) as stale:
        carol.request(
            "PATCH", "projects/helpful/", body={"name": "Cold"}, headers={"If-Match": answer.headers["ETag"]}
        )
    assert stale.value.status == 412


def test_the_token_is_shown_nowhere(world: World, live_server: Any, caplog: pytest.LogCaptureFixture) -> None:
    secret = token_of(world.cast.carol)
    caplog.set_level("DEBUG")
    with Client(live_server.url + "/api/v1/", secret) as carol:
        helpful = carol.project("helpful")
        assert helpful.get()["slug"] == "helpful"
        with pytest.raises(NotFound) as missing:
            carol.project("haiku").get()
        shown = [repr(carol), repr(helpful), repr(vars(carol)), repr(missing.value), caplog.text]
    assert live_server.url in shown[0]
    assert "GET" in caplog.text
    assert not [text for text in shown if secret in text]
