"""What is sent again and when, of both clients: the network is a list of answers, and sleeping is written down.

httpx's transport is where the client ends and the network begins, so that one takes the network's place here.
"""

import inspect
import json
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from concord_client import (
    AsyncClient,
    Client,
    ConcordError,
    Conflict,
    NotFound,
    RunFailed,
    Unreachable,
    asynchronous,
    retrying,
    synchronous,
)
from tests.client.awaiting import awaited

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RUN: dict[str, Any] = {
    "id": 7,
    "kind": "fit_reward_model",
    "status": "running",
    "reason": "",
    "done": 0,
    "total": 0,
    "doing": "",
    "seconds_left": None,
    "expected_start": None,
}
LOST = [
    httpx.ConnectError("refused"),
    httpx.ConnectTimeout("too long"),
    httpx.ReadError("reset"),
    httpx.ReadTimeout("too long"),
    httpx.WriteError("reset"),
    httpx.RemoteProtocolError("half an answer"),
]


# A status stands for a refusal with it.
Answer = httpx.Response | Exception | int


class Broken(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that breaks off."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces
        raise httpx.ReadError("reset")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


def refused(status: int, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, headers=named, json={"code": "no", "detail": "Not so."})


def answer_of(body: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=body)


class Network:
    """What a client of one flavour asks, answered from a list; and how long it sleeps, which takes no time."""

    def __init__(self, flavour: type[Client] | type[AsyncClient]) -> None:
        self.flavour = flavour
        self.requests: list[httpx.Request] = []
        self.naps: list[float] = []

    def nap(self, seconds: float) -> None:
        self.naps.append(seconds)

    async def nap_async(self, seconds: float) -> None:
        self.naps.append(seconds)

    def call(self, method: Callable[[Any], Any], *answers: Answer, attempts: int = 6) -> Any:
        """What ``method`` of the client gives while the network gives ``answers``, all of which it needs."""
        left = list(answers)

        def answer(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            outcome = left.pop(0)
            if isinstance(outcome, Exception):
                raise outcome
            return refused(outcome) if isinstance(outcome, int) else outcome

        transport = httpx.MockTransport(answer)
        client = self.flavour("http://concord:8000", "secret", attempts=attempts, transport=transport)
        try:
            return (
                awaited(_awaited(client, method))
                if isinstance(client, AsyncClient)
                else _whole(method(client))
            )
        finally:
            assert left == []

    @property
    def keys(self) -> list[str]:
        return [one.headers.get("Idempotency-Key", "") for one in self.requests]


def _whole(value: Any) -> Any:
    return list(value) if isinstance(value, Iterator) else value


async def _awaited(client: AsyncClient, method: Callable[[Any], Any]) -> Any:
    async with client:
        value = method(client)
        if isinstance(value, AsyncIterator):
            return [one async for one in value]
        return await value if inspect.isawaitable(value) else value


@pytest.fixture(params=[Client, AsyncClient])
def network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Network:
    fake = Network(request.param)
    clock = SimpleNamespace(sleep=fake.nap, monotonic=lambda: sum(fake.naps))
    monkeypatch.setattr(synchronous, "time", clock)
    monkeypatch.setattr(asynchronous, "time", clock)
    monkeypatch.setattr(asynchronous, "asyncio", SimpleNamespace(sleep=fake.nap_async))
    monkeypatch.setattr(retrying, "datetime", SimpleNamespace(now=lambda zone: NOW.astimezone(zone)))
    return fake


def fit(client: Any) -> Any:
    return client.project("helpful").reward_models.fit(kind="pairs")


@pytest.mark.parametrize("failure", [429, 502, 503, 504, *LOST], ids=repr)
def test_it_asks_again_with_the_same_key_and_body(network: Network, failure: Exception | int) -> None:
    assert network.call(fit, failure, failure, answer_of({"id": 7})) == {"id": 7}
    assert [(one.method, one.url.path) for one in network.requests] == [
        ("POST", "/api/v1/projects/helpful/fits/")
    ] * 3
    assert {one.content for one in network.requests} == {network.requests[0].content}
    assert json.loads(network.requests[0].content) == {"kind": "pairs"}
    assert len(network.keys[0]) >= 32
    assert set(network.keys) == {network.keys[0]}
    assert len(network.naps) == 2


def test_half_an_answer_is_none(network: Network) -> None:
    half = httpx.Response(200, stream=Broken(b'{"id'))
    assert network.call(fit, half, answer_of({"id": 7})) == {"id": 7}
    assert len(set(network.keys)) == 1


def test_each_call_has_a_key_of_its_own_and_what_changes_nothing_twice_has_none(network: Network) -> None:
    for _ in range(2):
        network.call(fit, answer_of({}))
    network.call(lambda client: client.project("helpful").get(), answer_of({}))
    network.call(
        lambda client: client.project("helpful").judging.draft("a", rationale="so far"), answer_of({})
    )
    first, second, *others = network.keys
    assert first != second
    assert others == ["", ""]


def test_a_key_of_the_callers_own_takes_its_place_in_any_capitals(network: Network) -> None:
    network.call(
        lambda client: client.request("POST", "projects/", headers={"idempotency-key": "mine"}),
        503,
        answer_of({}),
    )
    assert network.keys == ["mine", "mine"]


@pytest.mark.parametrize("of", ["file", "rows"])
def test_an_upload_is_sent_from_its_start_each_time(network: Network, of: str, tmp_path: Path) -> None:
    lines = b'{"prompt": "one"}\n{"prompt": "two"}\n'
    (tmp_path / "prompts.jsonl").write_bytes(lines)
    rows = ({"prompt": word} for word in ("one", "two"))  # can be gone through once

    def bring(client: Any) -> Any:
        imports = client.project("helpful").imports
        if of == "rows":
            return imports.rows(rows, kind="prompts", skip_bad=True)
        return imports.file(tmp_path / "prompts.jsonl", kind="prompts", skip_bad=True)

    network.call(bring, 503, httpx.ReadError("reset"), answer_of({"id": 7}, 202))
    assert len(set(network.keys)) == 1
    bodies = set()
    for request in network.requests:
        boundary = request.headers["Content-Type"].partition("boundary=")[2].encode()
        assert request.headers["Content-Length"] == str(len(request.content))
        bodies.add(request.content.replace(boundary, b"BOUNDARY"))
    (body,) = bodies  # but for the line between its parts, which is random
    for part in (
        b"\r\n\r\n" + lines + b"\r\n",
        b'name="skip_bad"\r\n\r\ntrue',
        b'name="kind"\r\n\r\nprompts',
    ):
        assert body.count(part) == 1


@pytest.mark.parametrize(
    ("said_in_header", "seconds"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("120", 120.0),
        (f"{NOW + timedelta(seconds=90):%a, %d %b %Y %H:%M:%S} GMT", 90.0),
        (f"{NOW - timedelta(seconds=90):%a, %d %b %Y %H:%M:%S} GMT", 0.0),
    ],
)
def test_it_waits_for_as_long_as_it_is_asked_to(
    network: Network, said_in_header: str, seconds: float
) -> None:
    network.call(fit, refused(503, Retry_After=said_in_header), answer_of({}))
    assert network.naps == [seconds]


@pytest.mark.parametrize(
    "said_in_header", ["121", "9" * 400, f"{NOW + timedelta(days=1):%a, %d %b %Y %H:%M:%S} GMT"]
)
def test_who_is_asked_to_wait_for_too_long_hears_of_it_at_once(network: Network, said_in_header: str) -> None:
    with pytest.raises(ConcordError, match="Not so") as failed:
        network.call(fit, refused(429, Retry_After=said_in_header))
    assert (failed.value.status, failed.value.code, network.naps) == (429, "no", [])


@pytest.mark.parametrize("said_in_header", ["soon", "-3", "1.5", "\N{SUPERSCRIPT TWO}", "Sun, 99 Mar 2026"])
def test_what_is_no_time_to_wait_for_is_as_if_nothing_was_said(network: Network, said_in_header: str) -> None:
    answer = httpx.Response(503, headers=[(b"Retry-After", said_in_header.encode("latin-1"))])
    network.call(fit, answer, answer_of({}))
    (nap,) = network.naps
    assert 0.125 <= nap <= 0.25


def test_waits_grow_to_a_bound_and_half_of_each_is_random(network: Network) -> None:
    network.call(fit, *[httpx.ConnectError("refused")] * 11, answer_of({}), attempts=12)
    most = [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30]
    shares = [nap / bound for nap, bound in zip(network.naps, most, strict=True)]
    assert all(0.5 <= share <= 1 for share in shares), shares
    assert len({round(share, 6) for share in shares}) > 5


def test_it_gives_up_after_its_attempts_and_says_what_the_last_one_got(network: Network) -> None:
    with pytest.raises(ConcordError, match="Not so") as refusal:
        network.call(fit, httpx.ReadError("reset"), 503, 504, attempts=3)
    assert (type(refusal.value), refusal.value.status) == (ConcordError, 504)
    with pytest.raises(Unreachable, match=r"POST projects/helpful/fits/.*http://concord:8000.*reset") as lost:
        network.call(fit, 503, httpx.ReadError("reset"), attempts=2)
    assert isinstance(lost.value.__cause__, httpx.ReadError)
    with pytest.raises(Unreachable):
        network.call(fit, httpx.ConnectError("refused"), attempts=1)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ConcordError),
        (401, ConcordError),
        (404, NotFound),
        (409, Conflict),
        (412, Conflict),
        (422, ConcordError),
        (500, ConcordError),
    ],
)
def test_what_was_decided_is_not_asked_again(network: Network, status: int, kind: type) -> None:
    with pytest.raises(ConcordError, match="Not so") as failed:
        network.call(fit, refused(status, Retry_After="1"))
    assert (type(failed.value), failed.value.status, network.naps) == (kind, status, [])


def test_an_address_that_leads_elsewhere_is_named_and_not_followed(network: Network) -> None:
    there = "https://concord.example.org/api/v1/projects/helpful/fits/"
    with pytest.raises(ConcordError, match=there):
        network.call(fit, httpx.Response(301, headers={"Location": there}))


def test_an_answer_of_somebody_between_is_told_by_its_status(network: Network) -> None:
    with pytest.raises(ConcordError) as failed:
        network.call(fit, httpx.Response(413, text="<html>Too large</html>"))
    assert (failed.value.status, failed.value.code) == (413, "")


def test_an_answer_that_is_not_concords_is_told_as_such(network: Network) -> None:
    with pytest.raises(
        ConcordError, match=r"is not Concord's. Is the client's address right\? \(200\)"
    ) as error:
        network.call(
            lambda client: client.project("helpful").get(), httpx.Response(200, text="<h1>Welcome</h1>")
        )
    assert (error.value.status, len(network.requests)) == (200, 1)


@pytest.mark.parametrize("address", ["concord.example", "localhost:8000", "ftp://concord.example"])
def test_an_address_that_is_none_is_refused_at_once(network: Network, address: str) -> None:
    with pytest.raises(ValueError, match="begins with http:// or https://"):
        network.flavour(address, "token")


def remove(client: Any) -> Any:
    return client.project("helpful").members.remove("bob")


@pytest.mark.parametrize("first", [*LOST, 502, 504], ids=repr)
def test_a_removal_whose_answer_was_lost_is_done_when_nothing_is_there(
    network: Network, first: Exception | int
) -> None:
    assert network.call(remove, first, 503, 404) is None


def test_what_was_never_there_cannot_be_removed(network: Network) -> None:
    with pytest.raises(NotFound):
        network.call(remove, 404)
    # These attempts were turned away before they could do anything.
    with pytest.raises(NotFound):
        network.call(remove, 429, 503, 404)
    with pytest.raises(NotFound):
        network.call(lambda client: client.project("a").get(), httpx.ReadError("reset"), 404)


def test_pages_are_followed_by_their_cursor_alone(network: Network) -> None:
    inside = "http://10.0.0.7:9000/inner/api/v1/projects/helpful/prompts/?split=all&page_size=3&cursor="
    pages = [
        {"results": [{"id": "a"}, {"id": "b"}], "next": f"{inside}cD0x%2B%3D"},
        {"results": [], "next": f"{inside}cD0y"},
        {"results": [{"id": "c"}], "next": None},
    ]
    rows = network.call(
        lambda client: client.project("helpful").prompts.all(split="test"),
        answer_of(pages[0]),
        503,
        *map(answer_of, pages[1:]),
    )
    assert [one["id"] for one in rows] == ["a", "b", "c"]
    assert {(one.url.host, one.url.path) for one in network.requests} == {
        ("concord", "/api/v1/projects/helpful/prompts/")
    }
    queries = [dict(one.url.params) for one in network.requests]
    assert [one.pop("cursor", None) for one in queries] == [None, "cD0x+=", "cD0x+=", "cD0y"]
    assert queries == [{"page_size": "200", "split": "test"}] * 4


def test_a_page_is_asked_for_when_its_rows_are_wanted() -> None:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return answer_of({"results": [{"slug": str(len(requests))}], "next": "http://concord/?cursor=more"})

    with Client("http://concord", "secret", transport=httpx.MockTransport(answer)) as client:
        rows = client.projects()
        assert requests == []
        assert [next(rows)["slug"], len(requests)] == ["1", 1]
        assert [next(rows)["slug"], len(requests)] == ["2", 2]


def test_rows_that_break_off_are_not_taken_for_all(network: Network) -> None:
    taken: list[Any] = []
    whole, half = b'{"prompt": "one"}\n', b'{"prompt": "tw'

    def export(client: Any) -> Any:
        return client.project("helpful").exports.rows(kind="prompts")

    assert (
        network.call(export, 503, httpx.Response(200, content=whole + whole[:-1])) == [{"prompt": "one"}] * 2
    )
    with pytest.raises(Unreachable, match="broke off"):
        taken = network.call(export, httpx.Response(200, stream=Broken(whole, half)))
    assert taken == []


@pytest.mark.parametrize("before", [None, b"what was there"])
def test_a_file_that_breaks_off_leaves_what_was_there(
    network: Network, before: bytes | None, tmp_path: Path
) -> None:
    file = tmp_path / "pairs.jsonl"
    if before is not None:
        file.write_bytes(before)
    for method in (
        lambda client: client.project("helpful").exports.save(file, kind="pairs"),
        lambda client: client.project("helpful").runs.output(7, file),
    ):
        with pytest.raises(Unreachable, match="broke off"):
            network.call(method, httpx.Response(200, stream=Broken(b"half of it")))
        assert [one.read_bytes() for one in tmp_path.iterdir()] == ([] if before is None else [before])
        assert network.call(method, 503, httpx.Response(200, content=b"all")) == file
        assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("pairs.jsonl", b"all")]
        file.unlink() if before is None else file.write_bytes(before)


def wait(client: Any, **how: Any) -> Any:
    return client.project("helpful").runs.wait(RUN, **how)


def test_a_run_is_waited_for_through_whatever_happens_and_shown(
    network: Network, capsys: pytest.CaptureFixture[str]
) -> None:
    states = [
        RUN | {"status": "queued", "expected_start": "2026-03-01T12:05:00Z"},
        RUN | {"done": 3, "total": 40, "doing": "batches", "seconds_left": 12.4},
        RUN | {"status": "succeeded", "done": 40, "total": 40},
    ]
    first, *others = map(answer_of, states)
    assert network.call(wait, first, httpx.ReadError("reset"), *others) == states[-1]
    shown = capsys.readouterr()
    assert shown.out == ""
    for words in (
        "fit_reward_model 7, queued",
        f"begins at about {datetime(2026, 3, 1, 12, 5, tzinfo=UTC).astimezone():%H:%M}",
        "fit_reward_model 7, running",
        "3/40",
        "batches, 12 s left",
        "40/40",
    ):
        assert words in shown.err
    assert "100%" in shown.err
    assert network.call(lambda client: wait(client, progress_bar=False), answer_of(states[-1])) == states[-1]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_run_that_did_not_succeed_says_why(network: Network, status: str) -> None:
    with pytest.raises(RunFailed) as failed:
        network.call(wait, answer_of(RUN), answer_of(RUN | {"status": status, "reason": "No pairs."}))
    assert str(failed.value) == f"run 7 (fit_reward_model) {status}: No pairs."
    assert failed.value.run["reason"] == "No pairs."


def test_nobody_waits_for_longer_than_they_said(network: Network) -> None:
    with pytest.raises(TimeoutError, match="run 7 is still running after 1 seconds"):
        network.call(lambda client: wait(client, timeout=1), *[answer_of(RUN)] * 4)
    assert sum(network.naps) <= 1
    assert network.naps == sorted(network.naps)
