"""Members and invitations through a program."""

from urllib.parse import urlsplit

import pytest
from django.test import Client

from annotation.models import Assignment, Membership
from tests.annotation.factories import make_user
from tests.api.world import make_world, program

pytestmark = pytest.mark.django_db
HELPFUL = "projects/helpful/"


def test_a_link_is_in_the_answer_alone_and_makes_a_member_who_can_be_promoted_and_let_go() -> None:
    world = make_world()
    carol = program(world, "carol")
    invited = carol.ask(
        "POST", HELPFUL + "invitations/", {"email": "zoe@example.org", "role": "annotator"}
    ).json()
    assert invited["link"].startswith("http://testserver/invitations/")
    listed = carol.rows(HELPFUL + "invitations/")
    assert [row["email"] for row in listed] == ["frank@example.org", "zoe@example.org"]
    assert [key for row in listed for key in row if key == "link"] == []
    zoe = Client()
    zoe.force_login(make_user("zoe"))
    zoe.post(urlsplit(invited["link"]).path)
    path = HELPFUL + "members/zoe/"
    assert carol.ask("GET", path).json()["role"] == "annotator"
    assert carol.ask("PATCH", path, {"role": "researcher"}).json()["role"] == "researcher"
    assert [row["username"] for row in carol.rows(HELPFUL + "members/?role=researcher")] == ["carol", "zoe"]
    assert carol.ask("DELETE", path).status_code == 204
    assert not Membership.objects.filter(user__username="zoe").exists()


def test_who_is_let_go_holds_nothing_any_more() -> None:
    world = make_world()
    in_hand = Assignment.objects.get(public_id=world.ids["assignment"])
    assert program(world, "carol").ask("DELETE", HELPFUL + "members/alice/").status_code == 204
    in_hand.refresh_from_db()
    assert in_hand.status == "released"
    assert program(world, "alice").ask("POST", HELPFUL + "next/").status_code == 404


def test_a_link_that_was_used_cannot_be_made_anew_and_no_such_role_is_given() -> None:
    world = make_world()
    carol = program(world, "carol")
    again = carol.ask("POST", f"{HELPFUL}invitations/{world.ids['invitation']}/again/").json()
    zoe = Client()
    zoe.force_login(make_user("zoe"))
    zoe.post(urlsplit(again["link"]).path)
    assert carol.ask("POST", f"{HELPFUL}invitations/{again['id']}/again/").status_code == 404
    assert carol.ask("PATCH", HELPFUL + "members/zoe/", {"role": "owner"}).status_code == 400
    assert (
        carol.ask("POST", HELPFUL + "invitations/", {"email": "nobody", "role": "annotator"}).status_code
        == 400
    )
