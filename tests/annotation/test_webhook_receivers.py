"""Receivers that fail, hang and lie, on real sockets: a message to one is kept with the reason and tried again later,
and the message behind it goes out. Names alone are answered for, by a resolver that the tests write."""

import re
import socket
import ssl
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.db.models.functions import Now

from annotation.models import Delivery
from annotation.webhooks import connecting, sending, subscribing
from tests.annotation.factories import make_project

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_network", "hanging"), pytest.mark.long]

# What a receiver does with a connection after it has read the message. It may wait for the event: the test is over.
Manner = Callable[[socket.socket, threading.Event], None]

# Nobody's secret: a key and what it signed for itself, for the name receiver.test, until 2126.
CERTIFICATE = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgHtUdTN5OR063VJ5S
cP6EziJVNnIYX/1m9XXpE/qAd5qhRANCAAQL188TeSS1XW3o1KsiTa4ATNLDh3sg
yM/dH3rjDS7BTrKJ/ZrWNHZSPfq0U6J9SQwbLB0znfVRqPMwuvUkAt03
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBoDCCAUegAwIBAgIUXc059wB33FCydkkOziV9MyiZa64wCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNcmVjZWl2ZXIudGVzdDAgFw0yNjExMjkyMDQ1MTNaGA8yMTI2
MTEwNTIwNDUxM1owGDEWMBQGA1UEAwwNcmVjZWl2ZXIudGVzdDBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABAvXzxN5JLVdbejUqyJNrgBM0sOHeyDIz90feuMNLsFO
son9mtY0dlI9+rRTon1JDBssHTOd9VGo8zC69SQC3TejbTBrMB0GA1UdDgQWBBSe
KABH0P1UfHS4XxW2wG45uHJkoDAfBgNVHSMEGDAWgBSeKABH0P1UfHS4XxW2wG45
uHJkoDAPBgNVHRMBAf8EBTADAQH/MBgGA1UdEQQRMA+CDXJlY2VpdmVyLnRlc3Qw
CgYIKoZIzj0EAwIDRwAwRAIgJkduMNCtlViKuaIeFZkDtFpJjlcqzmUHmFzSqVtk
qPoCIGrBX8oEFXhPJZrnzCHDsVGRBGv3E/r+yXRrZLPZLKYv
-----END CERTIFICATE-----
"""


def takes(connection: socket.socket, over: threading.Event) -> None:
    """As a receiver should."""
    connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")


def says(*answers: bytes) -> Manner:
    """These bytes, and then the connection is cut."""

    def answer(connection: socket.socket, over: threading.Event) -> None:
        for part in answers:
            connection.sendall(part)

    return answer


def says_without_end(beginning: bytes, more: bytes) -> Manner:
    """``more`` until nobody takes any."""

    def answer(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(beginning)
        while not over.is_set():
            connection.sendall(more)

    return answer


def trickles(beginning: bytes) -> Manner:
    """``beginning``, and a byte now and then until nobody takes any."""

    def answer(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(beginning)
        while not over.wait(0.05):
            connection.sendall(b"X")

    return answer


def says_nothing(connection: socket.socket, over: threading.Event) -> None:
    """Until the other side hangs up, if it does."""
    while connection.recv(1000):
        pass


def resets(connection: socket.socket, over: threading.Event) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


class Receivers:
    """Servers on this machine, each with a manner for its first connection and another for each that follows."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._servers: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        # What was posted, in the order of its coming, by the receiver's port.
        self.got: dict[int, list[bytes]] = {}

    def start(
        self, first: Manner, then: Manner = takes, *, tls: ssl.SSLContext | None = None, reads: bool = True
    ) -> int:
        """Start one and return its port. Without ``reads`` it does not wait for a message that it could read."""
        server = socket.create_server(("127.0.0.1", 0))
        port = int(server.getsockname()[1])
        self._servers.append(server)
        self.got[port] = []
        thread = threading.Thread(target=self._serve, args=(server, port, first, then, tls, reads))
        self._threads.append(thread)
        thread.start()
        return port

    def _serve(
        self,
        server: socket.socket,
        port: int,
        first: Manner,
        then: Manner,
        tls: ssl.SSLContext | None,
        reads: bool,
    ) -> None:
        manner = first
        while True:
            # Cut connections and refused certificates are the matter here, and shutting the server ends the thread.
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                connection.settimeout(60)
                spoken = tls.wrap_socket(connection, server_side=True) if tls else connection
                with spoken:
                    if reads:
                        self.got[port].append(_message(spoken))
                    manner(spoken, self._over)
            manner = then

    def stop(self) -> None:
        self._over.set()
        for server in self._servers:
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            server.close()
        for thread in self._threads:
            thread.join()


def _message(connection: socket.socket) -> bytes:
    """The whole POST: its head says how long its body is."""
    message = b""
    while b"\r\n\r\n" not in message:
        part = connection.recv(65536)
        if not part:
            raise ConnectionError("hung up before the whole message")
        message += part
    head, _, body = message.partition(b"\r\n\r\n")
    (length,) = (
        int(line[16:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length: ")
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@pytest.fixture
def receivers() -> Iterator[Receivers]:
    started = Receivers()
    yield started
    started.stop()


@pytest.fixture
def own_network(settings: Any) -> None:
    settings.WEBHOOKS_PRIVATE = True


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Addresses of which the first message is waited for half a second, where it is five as a rule. All others have as
    long as a busy machine may need."""
    addresses: set[str] = set()
    post = connecting.post

    def bounded(url: str, **message: Any) -> tuple[int, str]:
        monkeypatch.setattr(connecting, "SECONDS", 0.5 if url in addresses else 60.0)
        addresses.discard(url)
        return post(url, **message)

    monkeypatch.setattr(connecting, "post", bounded)
    return addresses


def due(url: str) -> Delivery:
    """A message to this address, due now."""
    webhook, _ = subscribing.create(project=make_project(), url=url, events=["run.ended"])
    subscribing.send_test(webhook=webhook)
    return webhook.deliveries.get()


def sent(bad: Delivery, receivers: Receivers) -> Delivery:
    """``bad`` as it stands after a round of sending in which the message behind it, to another server, went out."""
    port = receivers.start(takes)
    behind = due(f"http://127.0.0.1:{port}/")
    assert sending.send_due() == 2
    behind.refresh_from_db()
    assert (behind.status, len(receivers.got[port])) == ("delivered", 1)
    bad.refresh_from_db()
    return bad


def waits_for_another_try(delivery: Delivery) -> bool:
    waiting = Delivery.objects.filter(pk=delivery.pk, status="waiting", attempts=1, next_attempt_at__gt=Now())
    return waiting.exists()


TOO_LONG = r"could not be reached \(TimeoutError: There was no whole answer within 0\.5 seconds"
NO_HTTP = "The answer is no HTTP, or was cut off"
NO_MESSAGE = "The server took no message"


@pytest.mark.parametrize(
    ("manner", "status", "reason"),
    [
        pytest.param(says(b"SSH-2.0-OpenSSH_9.2\r\n"), None, f"{NO_HTTP}.*SSH-2", id="another protocol"),
        pytest.param(says(b"\0\xff\0\n"), None, NO_HTTP, id="bytes that no text of Postgres holds"),
        pytest.param(says(b"HTTP/1.1 two hundred\r\n\r\n"), None, NO_HTTP, id="no number"),
        pytest.param(says(b"HTTP/9 200 OK\r\n\r\n"), None, NO_HTTP, id="another version"),
        pytest.param(says(b"A" * 100_000), None, NO_HTTP, id="a line without end"),
        pytest.param(says(), None, NO_MESSAGE, id="hangs up"),
        pytest.param(resets, None, NO_MESSAGE, id="resets the connection"),
        pytest.param(says_nothing, None, TOO_LONG, id="says nothing"),
        pytest.param(says(b"HTTP/1.1 200 OK\r\nX-Half"), None, NO_HTTP, id="cut in its head"),
        pytest.param(
            says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), None, NO_HTTP, id="cut in its body"
        ),
        pytest.param(
            says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc"),
            None,
            NO_HTTP,
            id="cut in a chunk",
        ),
        pytest.param(
            says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nmany\r\n"),
            None,
            NO_HTTP,
            id="a chunk of no length",
        ),
        pytest.param(
            says(b"HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\n\0ab"),
            500,
            "^\N{REPLACEMENT CHARACTER}ab$",
            id="NUL",
        ),
        pytest.param(
            says(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"), 503, "gave no reason", id="no words"
        ),
        pytest.param(trickles(b"HTTP/1.1 200 OK\r\nX: "), None, TOO_LONG, id="trickles its head"),
        pytest.param(trickles(b"HTTP/1.1 200 OK\r\n\r\n"), None, TOO_LONG, id="trickles its body"),
        pytest.param(
            says_without_end(b"HTTP/1.1 200 OK\r\n", b"X: Y\r\n"), None, NO_HTTP, id="heads without end"
        ),
        pytest.param(
            says_without_end(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
            None,
            TOO_LONG,
            id="never begins to answer",
        ),
        pytest.param(
            says_without_end(b"HTTP/1.1 500 No\r\n\r\n", b"no " * 1000),
            500,
            r"^[no ]{500}$",
            id="body without end",
        ),
        pytest.param(
            says_without_end(b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", b"no " * 1000),
            500,
            r"^[no ]{500}$",
            id="a chunk of all that comes",
        ),
        pytest.param(
            says_without_end(b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n-7\r\n", b"no " * 1000),
            500,
            r"^[no ]{500}$",
            id="a chunk of less than nothing",
        ),
    ],
)
def test_a_bad_answer_is_kept_in_words_and_tried_again_and_holds_nobody_up(
    receivers: Receivers, hanging: set[str], manner: Manner, status: int | None, reason: str
) -> None:
    port = receivers.start(manner)
    if reason == TOO_LONG:
        hanging.add(f"http://127.0.0.1:{port}/")
    delivery = sent(due(f"http://127.0.0.1:{port}/"), receivers)
    assert waits_for_another_try(delivery)
    assert delivery.answer_status == status
    assert len(delivery.reason) <= 1000
    assert re.search(reason, delivery.reason), delivery.reason
    Delivery.objects.update(next_attempt_at=Now())
    assert sending.send_due() == 1
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, delivery.reason) == ("delivered", 2, "")
    first, second = receivers.got[port]
    assert first.partition(b"\r\n\r\n")[2] == second.partition(b"\r\n\r\n")[2] == delivery.body.encode()


@pytest.mark.parametrize(
    ("head", "more"),
    [
        pytest.param(b"", b"yes " * 1000, id="to the end of the connection"),
        pytest.param(b"Content-Length: 1000000000000\r\n", b"yes " * 1000, id="of a terabyte"),
        pytest.param(
            b"Transfer-Encoding: chunked\r\n", b"fa0\r\n" + b"yes " * 1000 + b"\r\n", id="of whole chunks"
        ),
        pytest.param(
            b"Transfer-Encoding: chunked\r\n",
            b"fffffffff\r\n" + b"yes " * 1000,
            id="of a chunk of a terabyte",
        ),
    ],
)
def test_who_takes_a_message_and_then_talks_without_end_has_taken_it_and_is_hung_up_on(
    receivers: Receivers, head: bytes, more: bytes
) -> None:
    """A 2xx counts with the beginning of its body, of which no more is read than is kept: the receiver has the message,
    and would only have it again. What it goes on to say is neither waited for nor held in memory."""
    cut = threading.Event()

    def talks(connection: socket.socket, over: threading.Event) -> None:
        try:
            connection.sendall(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")
            while not over.is_set():
                connection.sendall(more)
        except OSError:
            cut.set()

    port = receivers.start(talks)
    delivery = due(f"http://127.0.0.1:{port}/")
    tracemalloc.start()
    try:
        assert sending.send_due() == 1
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, delivery.answer_status, delivery.reason) == (
        "delivered",
        1,
        200,
        "",
    )
    assert most < 2**22
    # The test is not over yet: nobody but the sender has ended it.
    assert cut.wait(30)
    assert len(receivers.got[port]) == 1


def test_a_redirect_into_the_own_network_is_not_followed(receivers: Receivers) -> None:
    inside = receivers.start(takes)
    location = b"Location: http://127.0.0.1:%d/admin/\r\n" % inside
    for status in (b"301", b"302", b"303", b"307", b"308"):
        port = receivers.start(
            says(b"HTTP/1.1 " + status + b" Go\r\n" + location + b"Content-Length: 0\r\n\r\n")
        )
        delivery = sent(due(f"http://127.0.0.1:{port}/"), receivers)
        assert waits_for_another_try(delivery)
        assert (delivery.answer_status, "follows no redirect" in delivery.reason) == (int(status), True)
    assert receivers.got[inside] == []


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    """Speaks TLS with the certificate, which ``tmp_path / "receiver.pem"`` holds."""
    (tmp_path / "receiver.pem").write_text(CERTIFICATE)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "receiver.pem")
    return context


# Whose names the tests answer for: the addresses that each lookup of one finds, the last again and again.
Names = dict[str, list[str]]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """All other names, and addresses, are looked up as ever."""
    answers: Names = {}
    look_up = socket.getaddrinfo

    def resolve(host: str, port: int, *args: Any, **options: Any) -> Any:
        if host in answers:
            several = answers[host]
            host = several.pop(0) if len(several) > 1 else several[0]
        return [entry for one in host.split() for entry in look_up(one, port, *args, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return answers


@pytest.mark.parametrize(
    ("name", "trusted", "reason"),
    [
        ("receiver.test", True, ""),
        ("another.test", True, "certificate is not to be trusted.*another.test"),
        ("receiver.test", False, "certificate is not to be trusted.*self.signed"),
    ],
)
def test_a_message_goes_to_nobody_whose_certificate_is_not_the_names(
    receivers: Receivers,
    tls: ssl.SSLContext,
    names: Names,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    trusted: bool,
    reason: str,
) -> None:
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "receiver.pem"))
    names[name] = ["127.0.0.1"]
    port = receivers.start(takes, tls=tls)
    delivery = sent(due(f"https://{name}:{port}/"), receivers)
    assert re.search(reason, delivery.reason), delivery.reason
    assert (delivery.status == "delivered", len(receivers.got[port])) == (
        (True, 1) if not reason else (False, 0)
    )
    assert waits_for_another_try(delivery) == bool(reason)


@pytest.mark.parametrize(
    ("manner", "reason"),
    [
        pytest.param(says(b"HTTP/1.1 200 OK\r\n\r\n"), "does not speak TLS", id="plain"),
        pytest.param(says_nothing, "could not be reached.*(timed out|seconds)", id="says nothing"),
        pytest.param(
            trickles(b"\x16\x03\x03\x3f\xff"), "could not be reached.*(timed out|seconds)", id="trickles"
        ),
    ],
)
def test_what_is_not_tls_is_no_receiver(
    receivers: Receivers, hanging: set[str], manner: Manner, reason: str
) -> None:
    port = receivers.start(manner, reads=False)
    if "seconds" in reason:
        hanging.add(f"https://127.0.0.1:{port}/")
    delivery = sent(due(f"https://127.0.0.1:{port}/"), receivers)
    assert waits_for_another_try(delivery)
    assert re.search(reason, delivery.reason), delivery.reason


@pytest.mark.parametrize(
    "manner",
    [
        pytest.param(says_nothing, id="says nothing"),
        pytest.param(trickles(b"HTTP/1.1 200 OK\r\n\r\n"), id="trickles"),
        pytest.param(says_without_end(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="never begins to answer"),
    ],
)
def test_behind_a_good_certificate_no_more_time_is_given(
    receivers: Receivers,
    tls: ssl.SSLContext,
    names: Names,
    hanging: set[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    manner: Manner,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "receiver.pem"))
    names["receiver.test"] = ["127.0.0.1"]
    port = receivers.start(manner, tls=tls)
    hanging.add(f"https://receiver.test:{port}/")
    delivery = sent(due(f"https://receiver.test:{port}/"), receivers)
    assert waits_for_another_try(delivery)
    assert re.search(TOO_LONG, delivery.reason), delivery.reason
    assert len(receivers.got[port]) == 1


def test_a_name_that_leads_elsewhere_the_second_time_gains_nothing(
    receivers: Receivers, names: Names
) -> None:
    """The address that was checked is the one that is gone to."""
    port = receivers.start(takes)
    names["rebound.test"] = ["127.0.0.1", "127.0.0.9"]
    delivery = sent(due(f"http://rebound.test:{port}/"), receivers)
    assert (delivery.status, len(receivers.got[port])) == ("delivered", 1)
    assert names["rebound.test"] == ["127.0.0.9"], "one lookup"


def test_a_public_name_that_turns_private_is_not_followed_inside(
    receivers: Receivers,
    names: Names,
    hanging: set[str],
    settings: Any,
    tls: ssl.SSLContext,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The internet is what cannot be had here: at the public address nobody answers as this receiver. Inside somebody
    would, with a certificate that is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "receiver.pem"))
    inside = receivers.start(takes, tls=tls)
    names["receiver.test"] = ["8.8.8.8", "127.0.0.1"]
    bad = due(f"https://receiver.test:{inside}/")
    hanging.add(bad.webhook.url)
    settings.WEBHOOKS_PRIVATE = False
    assert sending.send_due() == 1
    bad.refresh_from_db()
    assert waits_for_another_try(bad)
    assert names["receiver.test"] == ["127.0.0.1"], "one lookup"
    # Now it is private from the start.
    Delivery.objects.update(next_attempt_at=Now())
    assert sending.send_due() == 1
    bad.refresh_from_db()
    assert (bad.status, "private network" in bad.reason) == ("failed", True)
    assert receivers.got[inside] == []


def test_a_name_server_that_never_answers_holds_nobody_up(
    receivers: Receivers, hanging: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging.add("http://slow.test/")
    over = threading.Event()
    look_up = socket.getaddrinfo

    def resolve(host: str, *args: Any, **options: Any) -> Any:
        if host == "slow.test":
            over.wait(60)
        return look_up(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    delivery = sent(due("http://slow.test/"), receivers)
    assert not over.is_set()
    over.set()
    assert waits_for_another_try(delivery)
    assert "The name slow.test was not found within 0.5 seconds" in delivery.reason


def test_a_name_of_nobody_is_told_in_words(receivers: Receivers, names: Names) -> None:
    names["nobody.test"] = ["nobody.invalid"]
    delivery = sent(due("http://nobody.test/"), receivers)
    assert waits_for_another_try(delivery)
    assert re.search("could not be reached.*gaierror", delivery.reason)


@pytest.mark.parametrize("addresses", ["127.0.0.9 127.0.0.1", "127.0.0.1 127.0.0.9"])
def test_a_message_goes_to_whichever_address_of_a_name_takes_it(
    receivers: Receivers, names: Names, addresses: str
) -> None:
    port = receivers.start(takes)
    names["two.test"] = [addresses]
    delivery = sent(due(f"http://two.test:{port}/"), receivers)
    assert (delivery.status, len(receivers.got[port])) == ("delivered", 1)


def takes_its_time(connection: socket.socket, over: threading.Event) -> None:
    over.wait(0.1)
    takes(connection, over)


def test_a_slow_receiver_lets_others_go_first(receivers: Receivers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_SLOW_SECONDS", 0.05)
    monkeypatch.setattr(
        sending, "_GIVES_WAY", 1000
    )  # until long after this test, however busy the machine is
    port = receivers.start(takes_its_time, takes_its_time)
    first = due(f"http://127.0.0.1:{port}/")
    for _ in range(3):
        subscribing.send_test(webhook=first.webhook)
    assert sent(first, receivers).status == "delivered"
    behind = first.webhook.deliveries.filter(status="waiting", attempts=0, next_attempt_at__gt=Now())
    assert (behind.count(), len(receivers.got[port])) == (3, 1)
    Delivery.objects.update(next_attempt_at=Now())
    assert sending.send_due() == 3, "nobody else waits, and so they need not"
