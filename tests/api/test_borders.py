"""What no well-behaved program sends: it is refused as the sender's fault, by name, and is never a fault of ours."""

from base64 import b64encode
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from annotation.models import Prompt
from console.api.schema import document
from rewardmodel import activation
from rewardmodel.models import RewardModelVersion
from runs.models import Run
from runs.resident import asking
from tests.api.world import World, program, wrong_with

pytestmark = pytest.mark.django_db
HELPFUL = "projects/helpful/"


def send(world: World, path: str, body: str, method: str = "post") -> Any:
    """The answer to a body as it stands here."""
    carol = program(world, "carol")
    sender = getattr(Client(), method)
    return sender(
        f"/api/v1/{HELPFUL}{path}", body.encode(), content_type="application/json", headers=carol.headers
    )


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("fits/", r'{"config": {"base": "a\u0000b"}}', "#/config/base"),
        ("fits/", r'{"config": {"base": "\ud800"}}', "#/config/base"),
        ("trainings/", r'{"algorithm": "sft", "config": {"\u0000": 1}}', "#/config"),
        ("prompts/", r'{"prompt": "a", "metadata": {"list": [1, "\u0000"]}}', "#/metadata/list/1"),
    ],
)
def test_characters_that_cannot_be_kept_are_named(world: World, path: str, body: str, pointer: str) -> None:
    before = Run.objects.count()
    assert wrong_with(send(world, path, body)) == [pointer]
    assert Run.objects.count() == before


@pytest.mark.parametrize(
    "body",
    [
        '{"prompt": NaN}',
        '{"prompt": "a", "metadata": {"x": Infinity}}',
        '{"prompt": "a", "metadata": {"x": 1e999}}',
        '{"prompt": "a", "metadata": {"x": ' + "9" * 5000 + "}}",
        '{"prompt": "a", "prompt": "b"}',
        '{"prompt": ' + "[" * 100_000 + "]" * 100_000 + "}",
        "",
        " ",
        "\ufeff{}",
    ],
    ids=[
        "nan",
        "infinity",
        "no float",
        "no integer",
        "a key twice",
        "deep",
        "empty",
        "blank",
        "a byte order mark",
    ],
)
def test_what_is_no_json_is_told_so(world: World, body: str) -> None:
    answer = send(world, "prompts/", body)
    assert answer.status_code == 400
    assert answer.json()["code"] == ("parse_error" if body else "invalid")


def test_a_body_that_is_not_utf_8_is_told_so_in_a_sentence(world: World) -> None:
    path, body = f"/api/v1/{HELPFUL}prompts/", b'{"prompt": "\xe9"}'
    carol = program(world, "carol")
    answer = Client().generic("POST", path, body, content_type="application/json", headers=carol.headers)
    assert (answer.status_code, answer.json()["detail"]) == (400, "The body is not UTF-8 at byte 13.")


def test_an_address_without_its_slash_loses_nothing_of_the_request(world: World) -> None:
    """Sent on with its method and body: a POST that became a GET would be answered by a list, and nothing written."""
    carol = program(world, "carol")
    before = Prompt.objects.count()
    for follow, status in ((False, 308), (True, 201)):
        answer = Client().post(
            f"/api/v1/{HELPFUL}prompts",
            {"prompt": "Without a slash"},
            content_type="application/json",
            headers=carol.headers,
            follow=follow,
        )
        assert answer.status_code == status, answer.content
    assert Prompt.objects.count() == before + 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", HELPFUL + "fits/", {"warmm": True}),
        ("POST", HELPFUL + "exports/", {"kind": "pairs", "warmm": "train"}),
        ("PATCH", HELPFUL, {"warmm": 3}),
        ("PATCH", HELPFUL + "retraining/", {"warmm": 3}),
        ("POST", HELPFUL + "prompts/", {"prompt": "Why?", "warmm": 3}),
        (
            "POST",
            HELPFUL + "tasks/",
            {"prompt": "Why?", "completions": [{"text": "a"}, {"text": "b"}], "warmm": 3},
        ),
    ],
)
def test_a_field_that_there_is_not_is_refused_and_starts_nothing(
    world: World, method: str, path: str, body: dict[str, Any]
) -> None:
    before = Run.objects.count(), Prompt.objects.count()
    answer = program(world, "carol").ask(method, path, body)
    assert answer.status_code == 400, answer.content
    assert wrong_with(answer) == ["#/warmm"]
    assert (Run.objects.count(), Prompt.objects.count()) == before


def test_a_field_that_there_is_not_is_named_within_a_list_and_in_a_draft(world: World) -> None:
    """``sourc`` would give a completion no source, and a misspelt field of a draft would not be kept."""
    task = {"prompt": "Why?", "completions": [{"text": "a"}, {"text": "b", "sourc": "a person"}]}
    answer = program(world, "carol").ask("POST", HELPFUL + "tasks/", task)
    assert (answer.status_code, wrong_with(answer)) == (400, ["#/completions/1/sourc"])
    alice = program(world, "alice")
    taken = alice.ask("POST", HELPFUL + "next/").json()["id"]
    for method, step in (("PUT", "draft"), ("POST", "submit"), ("POST", "skip")):
        body = {"ranks": {"A": 1, "B": 2, "C": 3}, "reason": "", "rational": "because"}
        answer = alice.ask(method, f"{HELPFUL}assignments/{taken}/{step}/", body | {"reason": "Unclear."})
        assert answer.status_code == 400, answer.content
        assert "#/rational" in wrong_with(answer)
    assert alice.ask("GET", f"{HELPFUL}assignments/{taken}/").json()["judgement"] == {}


def addresses_without_a_list() -> list[tuple[str, str]]:
    """Every operation whose query no filter of a list reads, with an address below /api/v1/."""
    addresses = []
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            parameters = {one["name"]: one for one in operation.get("parameters", ())}
            if "cursor" in parameters:
                continue
            of_uuid = parameters.get("id", {}).get("schema", {}).get("format") == "uuid"
            names = {
                "slug": "helpful",
                "id": uuid4() if of_uuid else 1,
                "number": 1,
                "digest": "d",
                "username": "u",
                "name": "report.json",
            }
            addresses.append((method.upper(), path.removeprefix("/api/v1/").format(**names)))
    return addresses


def test_a_parameter_that_there_is_not_is_refused_whatever_is_asked(world: World) -> None:
    """``ofset`` would read a log from its beginning, and what was meant for the body would not be heard."""
    carol, before = program(world, "carol"), Run.objects.count()
    addresses = addresses_without_a_list()
    assert {method for method, _ in addresses} == {"GET", "POST", "PUT", "PATCH", "DELETE"}
    for method, address in addresses:
        for name in ("ofset", "fields"):
            answer = carol.ask(method, f"{address}?{name}=1")
            assert answer.status_code == 400, (method, address, answer.content)
            assert answer.json()["errors"][0]["parameter"] == name
    assert Run.objects.count() == before
    for path in ("export/?kind=pairs&split=train", f"runs/{world.ids['run']}/log/?offset=0"):
        assert carol.ask("GET", HELPFUL + path).status_code == 200


def test_no_answer_is_kept_by_anybody_between(world: World) -> None:
    """A row, a list, a stream, an error, and what holds a secret that is shown once."""
    carol = program(world, "carol")
    hook = {"url": "https://example.org/", "events": ["run.ended"]}
    answers = [
        carol.ask("GET", path) for path in (HELPFUL, HELPFUL + "prompts/", HELPFUL + "export/?kind=pairs")
    ]
    answers += [
        carol.ask("GET", "projects/none/"),
        program(world, "olivia").ask("POST", HELPFUL + "webhooks/", hook),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 404, 201]
    assert {answer.headers.get("Cache-Control") for answer in answers} == {"no-store"}


def test_json_as_deep_as_the_database_would_not_take_is_refused(world: World) -> None:
    body = '{"prompt": "a", "metadata": ' + '{"x": ' * 70 + "1" + "}" * 71
    answer = send(world, "prompts/", body)
    assert (answer.status_code, "deeper" in answer.json()["detail"]) == (400, True)


@pytest.mark.parametrize(
    "path",
    [
        "members/%00/",
        "members/%ff/",
        "members/" + "a" * 5000 + "/",
        f"runs/{10**30}/",
        f"invitations/{2**63}/",
        f"reward-models/{2**31}/",
        f"policies/{10**30}/",
        "prompts/00000000-0000-0000-0000-00000000000g/",
    ],
)
def test_an_id_that_nothing_could_have_is_not_found(world: World, path: str) -> None:
    assert program(world, "carol").ask("GET", HELPFUL + path).status_code == 404


@pytest.mark.parametrize("size", ["0", "-1", "+1", "1.5", "true", "", "9" * 5000, "\u0661"])
def test_a_page_has_a_whole_number_of_rows_from_1(world: World, size: str) -> None:
    assert wrong_with(program(world, "carol").ask("GET", f"{HELPFUL}tasks/?page_size={size}")) == [
        "page_size"
    ]


@pytest.mark.parametrize("position", ["p=abc", "p=\0", "p=1.5", "o=x", "p=" + "9" * 40, "p=%ff"])
def test_a_cursor_that_no_page_gave_breaks_nothing(world: World, position: str) -> None:
    cursor = b64encode(position.encode()).decode()
    assert program(world, "carol").ask("GET", f"{HELPFUL}tasks/?cursor={cursor}").status_code in (200, 404)


def test_there_are_no_options(world: World) -> None:
    answer = program(world, "carol").ask("OPTIONS", HELPFUL + "choice/")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST, DELETE")


@pytest.mark.parametrize("number", [2**31, 2**63, 10**30])
def test_numbers_beyond_a_column_are_refused(world: World, number: int) -> None:
    carol = program(world, "carol")
    for method, path, body in (
        ("PATCH", "retraining/", {"retrain_rankings": number}),
        ("PATCH", "activation/", {"activation_prompts": number}),
        ("PATCH", "succession/", {"succession_prompts": number}),
        ("PATCH", "", {"settings": {"lease_seconds": number}}),
        ("POST", "samplings/", {"prompts": number}),
    ):
        assert carol.ask(method, HELPFUL + path, body).status_code == 400, path
    assert carol.ask("POST", HELPFUL + "samplings/", {"policy": number}).status_code == 409
    assert carol.ask("POST", HELPFUL + "contests/", {"versions": [number]}).status_code in (400, 404, 409)
    to_score = {"project": "helpful", "version": number, "items": [{"prompt": "a", "completion": "b"}]}
    assert carol.ask("POST", "score/", to_score).status_code in (400, 404, 409)


@pytest.mark.long
def test_thousands_are_scored_and_answered_in_one_request(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as may be go to the scorer as they came, and one more is refused before it hears of them."""
    heard: list[list[str]] = []

    def scorer(*, kind: str, request: Any, wait: float) -> Any:
        lines = request["lines"] if kind == "scores" else request["prompts"]
        heard.append([one["messages" if kind == "answers" else "prompt"][0]["content"] for one in lines])
        if kind == "scores":
            return [[float(number), False, False] for number, _ in enumerate(lines)]
        return [[[[f"To {one['messages'][0]['content']}", True, None]] for one in lines]]

    monkeypatch.setattr(asking, "ask", scorer)
    activation.activate(version=RewardModelVersion.objects.get(), why="For the test.")
    carol = program(world, "carol")
    texts = [f"Why, {number}?" for number in range(10_001)]
    items = [{"prompt": text, "completion": "So."} for text in texts]
    scored = carol.ask("POST", "score/", {"project": "helpful", "items": items[:10_000]})
    assert [one["score"] for one in scored.json()["scores"]] == list(range(10_000))
    answered = carol.ask("POST", "generate/", {"project": "helpful", "prompts": texts[:5_000]})
    assert [one["text"] for (one,) in answered.json()["answers"]] == [f"To {text}" for text in texts[:5_000]]
    assert heard == [texts[:10_000], texts[:5_000]]
    too_many: list[tuple[str, str, Any]] = [
        ("score/", "items", items),
        ("generate/", "prompts", texts[:5_001]),
    ]
    for path, name, several in too_many:
        assert wrong_with(carol.ask("POST", path, {"project": "helpful", name: several})) == [f"#/{name}"]
    # Two answers to each of the most prompts are the most answers, three are more.
    for completions, status in ((2, 200), (3, 400)):
        body = {"project": "helpful", "prompts": texts[:5_000], "completions": completions}
        assert carol.ask("POST", "generate/", body).status_code == status
    assert len(heard) == 3


@pytest.mark.parametrize("name", ["form", "split", "kind"])
def test_a_parameter_that_is_there_is_not_empty(world: World, name: str) -> None:
    query = {"kind": "prompts", name: ""}
    address = f"{HELPFUL}export/?" + "&".join(f"{parameter}={value}" for parameter, value in query.items())
    assert wrong_with(program(world, "carol").ask("GET", address)) == [name]
