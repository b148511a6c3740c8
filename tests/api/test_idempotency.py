"""A POST with an Idempotency-Key happens once, whoever sends it again and however many at once."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from annotation.api import idempotency
from annotation.models import KeptAnswer, Prompt, Ranking, Transfer
from runs.models import Run
from tests.annotation.judging import at_once
from tests.api.world import Program, World, make_world, program, token_of

pytestmark = pytest.mark.django_db
HELPFUL = "projects/helpful/"


@pytest.fixture
def world() -> World:
    return make_world()


def test_the_same_key_and_body_give_the_same_answer_and_do_nothing_again(world: World) -> None:
    carol = program(world, "carol")
    first = carol.ask("POST", HELPFUL + "exports/", {"kind": "pairs"}, key="k1")
    before = Run.objects.count()
    second = carol.ask("POST", HELPFUL + "exports/", {"kind": "pairs"}, key="k1")
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert ("Idempotency-Replayed" in first.headers, second.headers["Idempotency-Replayed"]) == (
        False,
        "true",
    )
    assert Run.objects.count() == before
    # Without a key, and with another, it happens again.
    for key in (None, "k2"):
        assert carol.ask("POST", HELPFUL + "exports/", {"kind": "pairs"}, key=key).json() != first.json()
    assert Run.objects.count() == before + 2


def test_the_same_key_with_another_request_is_refused(world: World) -> None:
    carol = program(world, "carol")
    carol.ask("POST", HELPFUL + "exports/", {"kind": "pairs"}, key="k")
    before = Run.objects.count()
    others: list[tuple[str, Any]] = [
        (HELPFUL + "exports/", {"kind": "prompts"}),
        (HELPFUL + "fits/", {"kind": "pairs"}),
    ]
    for path, body in others:
        answer = carol.ask("POST", path, body, key="k")
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    # Another token is another program, though of the same account.
    answer = program(world, "carol").ask("POST", HELPFUL + "exports/", {"kind": "pairs"}, key="k")
    assert answer.status_code == 422
    assert Run.objects.count() == before


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
def test_what_may_be_sent_again_as_it_is_takes_no_key(world: World, method: str) -> None:
    carol, hook = program(world, "carol"), f"{HELPFUL}webhooks/{world.ids['webhook']}/"
    address = f"{HELPFUL}assignments/{world.ids['assignment']}/draft/" if method == "PUT" else hook
    answer = carol.ask(method, address, {}, key="k")
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_not_taken")
    assert carol.ask("GET", hook).status_code == 200
    if method != "PUT":
        assert carol.ask(method, hook, {}).status_code in (200, 204)


def test_a_key_is_its_accounts_own(world: World) -> None:
    first = program(world, "carol").ask("POST", HELPFUL + "exports/", {"kind": "pairs"}, key="k").json()
    other = program(world, "olivia").ask("POST", HELPFUL + "exports/", {"kind": "pairs"}, key="k")
    assert (other.status_code, other.json()["id"] != first["id"]) == (202, True)
    # A stranger with the same key learns nothing of it.
    assert (
        program(world, "erin").ask("POST", HELPFUL + "exports/", {"kind": "pairs"}, key="k").status_code
        == 404
    )


def test_what_failed_may_be_tried_again_with_the_same_key(world: World) -> None:
    carol = program(world, "carol")
    path = HELPFUL + "samplings/"
    assert carol.ask("POST", path, {"policy": 9}, key="k").status_code == 409
    assert not KeptAnswer.objects.exists()
    assert carol.ask("POST", path, {"policy": 1}, key="k").status_code == 202


@pytest.mark.parametrize("key", ["", "k" * 201, "schlüssel"])
def test_a_key_must_be_printable_and_short(world: World, key: str) -> None:
    before = Run.objects.count()
    answer = program(world, "carol").ask("POST", HELPFUL + "exports/", {"kind": "pairs"}, key=key)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_idempotency_key")
    assert Run.objects.count() == before


def test_a_form_is_the_same_whatever_boundary_it_is_sent_with(world: World) -> None:
    carol = program(world, "carol")

    def send(content: bytes, kind: str = "prompts") -> Any:
        file = SimpleUploadedFile("new.jsonl", content)
        return carol.ask("POST", HELPFUL + "imports/", {"kind": kind}, key="k", file=file)

    first, again = send(b'{"prompt": "a"}\n'), send(b'{"prompt": "a"}\n')
    assert (first.status_code, again.json()) == (202, first.json())
    assert send(b'{"prompt": "b"}\n').status_code == 422
    assert send(b'{"prompt": "a"}\n', "rankings").status_code == 422
    transfer = Transfer.objects.get(direction="import")
    with transfer.file.open("rb") as stored:
        assert stored.read() == b'{"prompt": "a"}\n'


def test_answers_are_forgotten_after_a_day(world: World) -> None:
    carol = program(world, "carol")
    for key in ("old", "new"):
        carol.ask("POST", HELPFUL + "prompts/", {"prompt": key}, key=key)
    KeptAnswer.objects.filter(key="old").update(created_at=timezone.now() - timedelta(hours=25))
    assert idempotency.forget_old() == 1
    assert KeptAnswer.objects.get().key == "new"


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_with_one_key_one_does_it_and_all_get_its_answer() -> None:
    world = make_world()
    secret = token_of(world.cast.carol)

    def send() -> Any:
        answer = Program(secret).ask("POST", HELPFUL + "exports/", {"kind": "pairs"}, key="one")
        return answer.status_code, answer.content, answer.headers.get("Idempotency-Replayed")

    before = Run.objects.count()
    answers = at_once([send] * 12)
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert Run.objects.count() == before + 1
    assert {answer[:2] for answer in answers} == {(202, answers[0][1])}  # type: ignore[index]
    assert sorted(str(answer[2]) for answer in answers) == ["None", *["true"] * 11]  # type: ignore[index]


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_with_one_key_and_different_bodies_one_body_wins() -> None:
    world = make_world()
    secret = token_of(world.cast.carol)

    def send(number: int) -> int:
        body = {"prompt": f"Asked by {number}"}
        return int(Program(secret).ask("POST", HELPFUL + "prompts/", body, key="one").status_code)

    before = Prompt.objects.count()
    answers = at_once([lambda number=number: send(number) for number in range(8)])  # type: ignore[misc]
    assert sorted(map(str, answers)) == ["201", *["422"] * 7]
    assert Prompt.objects.count() == before + 1


@pytest.mark.django_db(transaction=True)
def test_a_submission_sent_by_many_at_once_is_one_ranking() -> None:
    world = make_world()
    secret = token_of(world.cast.alice)
    path = HELPFUL + f"assignments/{world.ids['assignment']}/submit/"

    def send() -> int:
        return int(
            Program(secret).ask("POST", path, {"ranks": {"A": 1, "B": 2, "C": 3}}, key="one").status_code
        )

    assert set(at_once([send] * 8)) == {200}
    assert Ranking.objects.filter(annotator__user=world.cast.alice).count() == 1
