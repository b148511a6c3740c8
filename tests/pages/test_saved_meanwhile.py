"""Two researchers have the same form of settings open: neither undoes what the other saves."""

from typing import Any

import pytest
from django.test import Client

from console.forms.action import RowAction
from console.forms.actions import ACTIONS
from tests.pages.cast import Cast, make_cast
from tests.pages.sent import sent_by

pytestmark = pytest.mark.django_db
# Of each form two fields with what somebody writes into them, the page that has it, and how a page tells the first.
FORMS: dict[str, tuple[str, tuple[str, str], tuple[str, str], str]] = {
    "configure": ("settings", ("guidelines", "Be kind."), ("lease_seconds", "777"), ": now it is “Be kind.”"),
    "ask": ("settings", ("demonstration_least_characters", "33"), ("ask_strength", "on"), ": now it is “33”"),
    "control": ("annotators", ("gold_every", "12"), ("least_gold_score", "57"), ": now it is “12”"),
    "retrain": ("reward-models", ("retrain_rankings", "40"), ("retrain_warm", "on"), ": now it is “40”"),
    "activation": ("reward-models", ("activation_prompts", "60"), ("activates", "on"), ": now it is “60”"),
    "succession": ("policies", ("succession_prompts", "70"), ("succeeds", "on"), ": now it is “70”"),
}
REFUSAL = "Somebody else has changed this since you opened the page"


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def client(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.carol)
    return client


def opened(client: Client, action: str) -> dict[str, Any]:
    """What the form would send as it stands on its page."""
    return sent_by(client.get(f"/admin/projects/helpful/{FORMS[action][0]}/").content.decode(), action)


def send(client: Client, action: str, form: dict[str, Any]) -> Any:
    return client.post(f"/admin/projects/helpful/{action}/", form)


def test_every_form_of_a_row_is_here() -> None:
    assert FORMS.keys() == {name for name, form in ACTIONS.items() if issubclass(form, RowAction)}


@pytest.mark.parametrize("action", FORMS)
def test_what_the_first_saved_stays_where_the_second_left_it_alone(client: Client, action: str) -> None:
    _, (one, first), (other, second), _ = FORMS[action]
    one, other = f"{action}-{one}", f"{action}-{other}"
    mine, theirs = opened(client, action), opened(client, action)
    assert send(client, action, {**mine, one: first}).status_code == 302
    assert send(client, action, {**theirs, other: second}).status_code == 302
    after = opened(client, action)
    assert (after[one], after[other]) == (first, second)


@pytest.mark.parametrize("action", FORMS)
def test_of_what_both_changed_the_second_is_asked(client: Client, action: str) -> None:
    _, (name, value), _, words = FORMS[action]
    name, last = f"{action}-{name}", value[:-1] + "5"
    mine, theirs = opened(client, action), opened(client, action)
    send(client, action, {**mine, name: value})
    answer = send(client, action, {**theirs, name: last})
    assert answer.status_code == 400
    page = answer.content.decode()
    assert f"{REFUSAL}{words}. Save again" in page
    assert opened(client, action)[name] == value
    # What they wrote is there still, and counts when it is sent once more.
    again = sent_by(page, action)
    assert again[name] == last
    assert send(client, action, again).status_code == 302
    assert opened(client, action)[name] == last


def test_the_same_change_by_both_is_no_question(client: Client) -> None:
    mine, theirs = opened(client, "configure"), opened(client, "configure")
    for form in (mine, theirs):
        changed = {**form, "configure-guidelines": "Be\r\nkind.", "configure-hour_cost": "12.50"}
        assert send(client, "configure", changed).status_code == 302


@pytest.mark.parametrize("seen", ["", "{", "[1]", '"x"', '{"elsewhere": "y"}'])
def test_a_form_that_says_nothing_of_what_was_seen_saves_what_it_says(client: Client, seen: str) -> None:
    form = {**opened(client, "configure"), "configure-guidelines": "Be kind.", "configure-seen": seen}
    assert send(client, "configure", form).status_code == 302
    assert opened(client, "configure")["configure-guidelines"] == "Be kind."
