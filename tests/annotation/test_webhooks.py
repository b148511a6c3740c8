"""Webhooks: told in the transaction of what happened, signed, sent at least once, and never into private networks."""

import ipaddress
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from standardwebhooks import Webhook as Verifier

from annotation import tasks
from annotation.collecting import queue, ranking
from annotation.errors import BadRequest
from annotation.models import Delivery, Project, RequestRate, Webhook
from annotation.webhooks import connecting, sending, subscribing
from runs import lifecycle
from tests.annotation.factories import make_annotator, make_project, make_tasks
from tests.annotation.judging import at_once, submit, taken

pytestmark = pytest.mark.django_db


@dataclass
class Receiver:
    """A server that keeps what it gets; ``answers`` are given one after the other, the last one again and again."""

    url: str = ""
    answers: list[int] = field(default_factory=lambda: [200])
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.got.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            status = kept.answers.pop(0) if len(kept.answers) > 1 else kept.answers[0]
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{kept.url}/elsewhere")
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"noted")

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing on the tests' output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield kept
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def own_network(settings: Any) -> None:
    settings.WEBHOOKS_PRIVATE = True


def hook(project: Project, url: str, *events: str) -> tuple[Webhook, str]:
    return subscribing.create(project=project, url=url, events=events or ["task.completed", "run.ended"])


def judge(project: Project) -> None:
    annotator = make_annotator(project)
    submit(taken(annotator), annotator)


def make_due() -> None:
    Delivery.objects.filter(status="waiting").update(next_attempt_at=timezone.now() - timedelta(seconds=1))


def with_test_due(receiver: Receiver) -> tuple[Delivery, str]:
    webhook, secret = hook(make_project(), receiver.url)
    subscribing.send_test(webhook=webhook)
    return Delivery.objects.get(), secret


def told_of(project: Project) -> list[tuple[str, dict[str, Any]]]:
    """Each delivery's event, and what it says beside the project."""
    bodies = [
        json.loads(one.body) for one in Delivery.objects.filter(webhook__project=project).order_by("pk")
    ]
    assert all(body["data"].pop("project") == project.slug for body in bodies)
    return [(body["type"], body["data"]) for body in bodies]


def test_a_project_is_told_of_when_its_last_open_task_is_judged_and_again_after_more() -> None:
    project = make_project(annotators_per_task=1)
    make_tasks(project, 2)
    hook(project, "https://example.org/", "project.completed")
    first, second = make_annotator(project), make_annotator(project)
    # Somebody holds the last one, so no place is free; then they hand it back.
    in_hand = taken(first)
    submit(taken(second), second)
    assert told_of(project) == []
    queue.skip(assignment=in_hand, annotator=first, reason="Not for me.")
    submit(taken(second), second)
    assert told_of(project) == [("project.completed", {})]
    make_tasks(project, 1)
    submit(taken(first), first)
    assert told_of(project) == [("project.completed", {})] * 2


@pytest.mark.django_db(transaction=True)
def test_of_two_who_submit_the_last_two_at_once_one_completes_the_project() -> None:
    for _ in range(5):
        project = make_project(annotators_per_task=1)
        make_tasks(project, 2)
        hook(project, "https://example.org/", "project.completed")
        people = [make_annotator(project) for _ in range(2)]
        assignments = [taken(one) for one in people]
        at_once([partial(submit, *pair) for pair in zip(assignments, people, strict=True)])
        assert told_of(project) == [("project.completed", {})]


@pytest.mark.usefixtures("own_network")
def test_a_task_is_told_of_once_when_its_last_annotator_submits(receiver: Receiver) -> None:
    project = make_project(annotators_per_task=2)
    make_tasks(project, 1)
    task = project.tasks.get()
    _, secret = hook(project, receiver.url)
    judge(project)
    assert not Delivery.objects.exists()
    judge(project)
    assert sending.send_due() == 1
    ((path, headers, body),) = receiver.got
    message = Verifier(secret).verify(body, headers)
    assert path == "/hook"
    assert message["type"] == "task.completed"
    assert message["data"] == {
        "project": project.slug,
        "task": str(task.public_id),
        "key": task.key,
        "kind": "rank",
        "judgements": 2,
    }
    assert Delivery.objects.get().status == "delivered"
    assert sending.send_due() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("own_network")
def test_of_two_who_submit_at_the_same_moment_one_is_the_last(receiver: Receiver) -> None:
    project = make_project(annotators_per_task=2)
    make_tasks(project, 12)
    hook(project, receiver.url)
    people = [make_annotator(project) for _ in range(2)]

    def work(number: int) -> None:
        while (claimed := queue.claim(annotator=people[number])) is not None:
            ranking.submit(assignment=claimed, annotator=people[number], verdict="ranked", ranks=[1, 2, 3])

    at_once([partial(work, number) for number in range(2)])
    tasks_told_of = [
        json.loads(body)["data"]["task"] for body in Delivery.objects.values_list("body", flat=True)
    ]
    assert sorted(tasks_told_of) == sorted(
        str(one) for one in project.tasks.values_list("public_id", flat=True)
    )


@pytest.mark.usefixtures("own_network")
def test_what_was_rolled_back_is_not_told(receiver: Receiver) -> None:
    project = make_project(annotators_per_task=1)
    make_tasks(project, 1)
    hook(project, receiver.url)
    with transaction.atomic():
        judge(project)
        assert Delivery.objects.exists()
        transaction.set_rollback(True)
    assert not Delivery.objects.exists()


@pytest.mark.usefixtures("own_network")
@pytest.mark.parametrize("end", ["cancelled", "failed"])
def test_a_run_is_told_of_when_it_ends(receiver: Receiver, end: str) -> None:
    from annotation.files import transfers

    project = make_project()
    hook(project, receiver.url, "run.ended")
    run = transfers.request_export(project=project, kind="prompts")
    if end == "cancelled":
        lifecycle.cancel(run=run)
    else:
        claimed = lifecycle.claim(run_id=run.pk, worker="here")
        assert claimed is not None
        lifecycle.fail(run=claimed, reason="The disk is full.")
    sending.send_due()
    message = json.loads(receiver.got[0][2])
    assert message["type"] == "run.ended"
    # The id that the API takes, and no reason: that may quote people's texts.
    assert message["data"] == {"project": project.slug, "run": run.pk, "kind": "export", "status": end}


@pytest.mark.usefixtures("own_network")
def test_a_message_is_sent_again_with_its_id_until_it_is_taken(receiver: Receiver) -> None:
    delivery, secret = with_test_due(receiver)
    receiver.answers = [500, 302, 204]
    for attempt in (1, 2, 3):
        assert sending.send_due() == 1
        assert sending.send_due() == 0, "it waits before it is sent again"
        delivery.refresh_from_db()
        assert delivery.attempts == attempt
        make_due()
    assert (delivery.status, delivery.answer_status) == ("delivered", 204)
    assert {path for path, _, _ in receiver.got} == {"/hook"}, "a redirect leads nowhere"
    assert {headers["webhook-id"] for _, headers, _ in receiver.got} == {str(delivery.public_id)}
    for _, headers, body in receiver.got:
        Verifier(secret).verify(body, headers)


@pytest.mark.usefixtures("own_network")
def test_a_message_that_nobody_takes_fails_after_its_last_try_and_can_be_sent_again(
    receiver: Receiver,
) -> None:
    delivery, _ = with_test_due(receiver)
    receiver.answers = [503]
    for _ in range(len(sending.WAITS) + 1):
        assert sending.send_due() == 1
        make_due()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.answer_status, delivery.reason) == ("failed", 503, "noted")
    assert sending.send_due() == 0
    receiver.answers = [200]
    subscribing.send_again(delivery=delivery)
    assert sending.send_due() == 1
    with pytest.raises(BadRequest, match="has failed"):
        subscribing.send_again(delivery=delivery)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("own_network")
def test_workers_share_what_is_due_and_send_nothing_twice(receiver: Receiver) -> None:
    webhook, _ = hook(make_project(), receiver.url)
    for _ in range(30):
        subscribing.send_test(webhook=webhook)
    tried = at_once([sending.send_due] * 3)
    assert sum(one for one in tried if isinstance(one, int)) == 30
    ids = [headers["webhook-id"] for _, headers, _ in receiver.got]
    assert (len(ids), len(set(ids))) == (30, 30)


@pytest.mark.usefixtures("own_network")
def test_nothing_is_sent_while_a_webhook_is_paused(receiver: Receiver) -> None:
    delivery, _ = with_test_due(receiver)
    subscribing.change(webhook=delivery.webhook, active=False)
    assert sending.send_due() == 0
    subscribing.change(webhook=delivery.webhook, active=True)
    assert sending.send_due() == 1


@pytest.mark.usefixtures("own_network")
def test_a_new_secret_signs_what_waits(receiver: Receiver) -> None:
    delivery, _ = with_test_due(receiver)
    secret = subscribing.rotate_secret(webhook=delivery.webhook)
    sending.send_due()
    Verifier(secret).verify(receiver.got[0][2], receiver.got[0][1])


@pytest.mark.usefixtures("own_network")
def test_a_server_that_is_away_or_trickles_its_answer_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connecting, "SECONDS", 0.5)
    with trickling() as port:
        for url in (f"http://127.0.0.1:{port}/", f"http://127.0.0.1:{closed_port()}/"):
            webhook, _ = hook(make_project(), url)
            subscribing.send_test(webhook=webhook)
        assert sending.send_due() == 2
    assert set(Delivery.objects.values_list("status", "attempts")) == {("waiting", 1)}
    assert all(Delivery.objects.values_list("reason", flat=True))


@pytest.mark.usefixtures("own_network")
def test_a_long_queue_for_a_server_that_is_away_takes_one_try_and_others_get_theirs(
    receiver: Receiver,
) -> None:
    away, _ = hook(make_project(), f"http://127.0.0.1:{closed_port()}/")
    for _ in range(5):
        subscribing.send_test(webhook=away)
    here, _ = hook(make_project(), receiver.url)
    subscribing.send_test(webhook=here)
    assert sending.send_due() == 2
    assert len(receiver.got) == 1
    assert sorted(away.deliveries.values_list("attempts", flat=True)) == [0, 0, 0, 0, 1]
    make_due()
    assert sending.send_due() == 1, "and so on"


@contextmanager
def trickling() -> Iterator[int]:
    """A server that answers a byte at a time and never comes to the end."""
    server = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        taken, _ = server.accept()
        with taken:
            taken.sendall(b"HTTP/1.1 200 OK\r\n")
            while not over.wait(0.1):
                try:
                    taken.sendall(b"X")
                except OSError:
                    return

    thread = threading.Thread(target=serve)
    thread.start()
    yield server.getsockname()[1]
    over.set()
    thread.join()
    server.close()


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "[::1]",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "0.0.0.0",
        "100.64.0.1",
        "224.0.0.1",
        "[fe80::1]",
        "[fd00::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:0:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::169.254.169.254]",
        "[64:ff9b:1::169.254.169.254]",
        "[2002:a9fe:a9fe::]",
        "[fec0::1]",
        "192.0.0.8",
        "240.0.0.1",
        "localhost",
        "2130706433",
    ],
)
def test_a_message_never_leads_into_a_private_network(settings: Any, address: str) -> None:
    """Nor is a webhook made with such an address; a name is looked up when a message is sent. Neither saves the other:
    one that was made while private networks were allowed is refused when it is sent."""
    if address != "localhost":
        with pytest.raises(BadRequest, match="private network"):
            hook(make_project(), f"https://{address}/hook")
        settings.WEBHOOKS_PRIVATE = True
    webhook, _ = hook(make_project(), f"https://{address}/hook")
    settings.WEBHOOKS_PRIVATE = False
    subscribing.send_test(webhook=webhook)
    assert sending.send_due() == 1
    delivery = Delivery.objects.get()
    assert delivery.status == "failed"
    assert "private network" in delivery.reason


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "64:ff9b::8.8.8.8"])
def test_public_addresses_are_connected_to_however_the_network_writes_them(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """The internet is what cannot be had here."""
    connected: list[tuple[str, int]] = []

    def connect(to: tuple[str, int], timeout: float) -> socket.socket:
        connected.append(to)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(ConnectionRefusedError):
        connecting.post(f"https://{host}/", body=b"{}", headers={}, private=False)
    ((to, port),) = connected
    assert (ipaddress.ip_address(to), port) == (ipaddress.ip_address(address), 443)


def test_a_name_that_leads_to_a_public_and_a_private_address_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS is what cannot be had here."""
    addresses = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("8.8.8.8", "10.0.0.1")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: addresses)
    monkeypatch.setattr(socket, "create_connection", lambda *args, **kwargs: pytest.fail("connected"))
    with pytest.raises(connecting.Refused, match="private network"):
        connecting.post("https://rebound.example.org/", body=b"{}", headers={}, private=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "ftp://example.org/",
        "https://",
        "https://a:b@example.org/",
        "https://x:99999/",
        "https://example.org/ä",
        "https://example.org/a b",
        "x",
    ],
)
def test_an_address_that_no_message_could_go_to_is_refused_at_once(url: str) -> None:
    with pytest.raises(BadRequest, match="address"):
        hook(make_project(), url)
    assert not Webhook.objects.exists()


def test_unknown_events_and_too_many_webhooks_are_refused() -> None:
    project = make_project()
    with pytest.raises(
        BadRequest, match=r"task\.completed, project\.completed, run\.ended, version\.proposed"
    ):
        hook(project, "https://example.org/", "task.started")
    for number in range(subscribing.MOST_WEBHOOKS):
        hook(project, f"https://example.org/{number}")
    with pytest.raises(BadRequest, match="delete one first"):
        hook(project, "https://example.org/more")


def test_messages_that_ended_a_month_ago_are_forgotten_with_old_answers_and_rates() -> None:
    webhook, _ = hook(make_project(), "https://example.org/")
    for _ in range(3):
        subscribing.send_test(webhook=webhook)
    first, second, third = Delivery.objects.order_by("pk")
    old = timezone.now() - timedelta(days=31)
    Delivery.objects.filter(pk__in=[first.pk, second.pk]).update(created_at=old)
    Delivery.objects.filter(pk__in=[second.pk, third.pk]).update(status="failed")
    now = timezone.now()
    RequestRate.objects.create(caller="gone", due_at=now - timedelta(hours=2))
    RequestRate.objects.create(caller="here", due_at=now)
    tasks.forget_old()
    assert set(Delivery.objects.values_list("pk", flat=True)) == {first.pk, third.pk}, "what waits is kept"
    assert [rate.caller for rate in RequestRate.objects.all()] == ["here"]
