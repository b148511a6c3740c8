"""The page of webhooks: made with a secret that is shown once, tried, paused, deleted, and messages sent again."""

from typing import Any

import pytest
from django.test import Client

from annotation.models import Delivery, Webhook
from annotation.webhooks import subscribing
from tests.pages.cast import Cast, make_cast

pytestmark = pytest.mark.django_db
PAGE = "/admin/projects/helpful/webhooks/"
URL = "https://example.org/hook"


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def carol(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.carol)
    return client


def post(client: Client, **fields: Any) -> str:
    """The page that follows, redirects included."""
    return client.post(PAGE, fields, follow=True).content.decode()


def test_a_secret_is_shown_when_it_is_made_and_never_again(cast: Cast, carol: Client) -> None:
    page = post(carol, do="create", url=URL, events=["task.completed"])
    hook = Webhook.objects.get()
    assert (hook.project, hook.url, hook.events) == (cast.project, URL, ["task.completed"])
    assert hook.secret in page
    again = carol.get(PAGE).content.decode()
    assert hook.secret not in again
    assert "Hears when a task&#x27;s last annotator submitted." in again
    turned = post(carol, do="rotate", webhook=hook.pk)
    assert hook.secret not in turned
    hook.refresh_from_db()
    assert hook.secret in turned


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"url": "http://example.org/", "events": ["run.ended"]}, "must begin with https://"),
        ({"url": "https://127.0.0.1/", "events": ["run.ended"]}, "is an address of a private network"),
        ({"url": URL}, "Choose one."),
        ({"url": URL, "events": ["all"]}, "Choose one that is listed: all is not."),
    ],
)
def test_what_could_not_work_is_refused_with_the_reason(carol: Client, fields: Any, words: str) -> None:
    answer = carol.post(PAGE, {"do": "create", **fields})
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not Webhook.objects.exists()


def test_it_is_tried_paused_resumed_and_deleted(cast: Cast, carol: Client) -> None:
    hook, _ = subscribing.create(project=cast.project, url=URL, events=["run.ended"])
    assert "on its way" in post(carol, do="test", webhook=hook.pk)
    assert Delivery.objects.get().event == "test"
    states = []
    for do in ("pause", "resume"):
        post(carol, do=do, webhook=hook.pk)
        hook.refresh_from_db()
        states.append(hook.active)
    assert states == [False, True]
    post(carol, do="delete", webhook=hook.pk)
    assert not Webhook.objects.exists()


def test_a_failed_message_is_sent_again(cast: Cast, carol: Client) -> None:
    hook, _ = subscribing.create(project=cast.project, url=URL, events=["run.ended"])
    subscribing.send_test(webhook=hook)
    delivery = Delivery.objects.get()
    assert "has failed" in post(carol, do="again", delivery=delivery.pk)
    Delivery.objects.update(status="failed", reason="<b>the disk is full</b>")
    assert "&lt;b&gt;the disk is full" in carol.get(PAGE).content.decode()
    post(carol, do="again", delivery=delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.reason) == ("waiting", "")


@pytest.mark.parametrize("number", ["x", "", "9" * 30, "0"])
def test_a_webhook_that_is_not_there_is_not_found(carol: Client, number: str) -> None:
    assert carol.post(PAGE, {"do": "delete", "webhook": number}).status_code == 404


def test_another_projects_webhook_is_not_found(cast: Cast, carol: Client) -> None:
    theirs, _ = subscribing.create(project=cast.other, url=URL, events=["run.ended"])
    for do in ("test", "pause", "rotate", "delete"):
        assert carol.post(PAGE, {"do": do, "webhook": theirs.pk}).status_code == 404
    subscribing.send_test(webhook=theirs)
    Delivery.objects.update(status="failed")
    assert carol.post(PAGE, {"do": "again", "delivery": Delivery.objects.get().pk}).status_code == 404
    assert URL not in carol.get(PAGE).content.decode()


def test_an_unknown_deed_changes_nothing(cast: Cast, carol: Client) -> None:
    hook, _ = subscribing.create(project=cast.project, url=URL, events=["run.ended"])
    assert "Load it again" in post(carol, do="explode", webhook=hook.pk)
    assert Webhook.objects.get() == hook
