"""One shape of error, whatever went wrong."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings

from annotation.api import projects
from annotation.models import Task
from rewardmodel.models import RewardModelVersion
from tests.api.world import Program, World, program, wrong_with

pytestmark = pytest.mark.django_db
HELPFUL = "projects/helpful/"


def error_of(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The error, whose shape is what every answer from 400 up has."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    error: dict[str, Any] = answer.json()
    assert set(error) - {"errors"} == {"type", "title", "status", "detail", "code"}
    assert (answer.status_code, error["status"], error["code"]) == (status, status, code), error
    assert error["detail"]
    if error["type"] == "about:blank":
        # RFC 9457, 4.2.1: the status' own phrase.
        assert error["title"] == HTTPStatus(status).phrase
    else:
        page, _, anchor = error["type"].partition("#")
        assert (
            f'<tr id="{anchor}">'
            in Client().get(page, headers={"Host": settings.ALLOWED_HOSTS[0]}).content.decode()
        )
    return error


NO_FILE: dict[str, Any] = {"other": SimpleUploadedFile("x", b"x")}
CASES: dict[str, tuple[int, str, Callable[[Program], Any]]] = {
    "an unknown address": (404, "not_found", lambda carol: carol.ask("GET", "no-such-thing/")),
    "an unknown project": (404, "not_found", lambda carol: carol.ask("GET", "projects/none/")),
    "an id that is none": (404, "not_found", lambda carol: carol.ask("GET", HELPFUL + "prompts/7/")),
    "another method": (405, "method_not_allowed", lambda carol: carol.ask("DELETE", HELPFUL)),
    "no list": (400, "invalid", lambda carol: carol.ask("POST", HELPFUL + "prompts/", ["a", "b"])),
    "a missing field": (400, "invalid", lambda carol: carol.ask("POST", HELPFUL + "prompts/", {})),
    "an unknown kind": (400, "invalid", lambda carol: carol.ask("POST", HELPFUL + "exports/", {"kind": "x"})),
    "an unknown policy": (
        409,
        "no_policy",
        lambda carol: carol.ask("POST", HELPFUL + "samplings/", {"policy": 9}),
    ),
    "a wrong config": (
        400,
        "bad_fit_config",
        lambda carol: carol.ask("POST", HELPFUL + "fits/", {"config": {"no_such_field": 1}}),
    ),
    "a file without a file": (
        400,
        "invalid",
        lambda carol: carol.ask("POST", HELPFUL + "imports/", {}, **NO_FILE),
    ),
    "a cursor that is none": (404, "not_found", lambda carol: carol.ask("GET", HELPFUL + "tasks/?cursor=x")),
}


@pytest.mark.parametrize("case", CASES)
def test_every_fault_of_a_request_has_one_shape(world: World, case: str) -> None:
    status, code, ask = CASES[case]
    error_of(ask(program(world, "carol")), status, code)


def test_malformed_json_and_other_content_are_told_so(world: World) -> None:
    carol = program(world, "carol")
    client, path = Client(), "/api/v1/projects/helpful/prompts/"
    broken = client.post(path, '{"prompt": ', content_type="application/json", headers=carol.headers)
    error_of(broken, 400, "parse_error")
    other = client.post(path, "prompt: x", content_type="text/yaml", headers=carol.headers)
    error_of(other, 415, "unsupported_media_type")
    accept = {**carol.headers, "Accept": "text/html"}
    error_of(client.get("/api/v1/projects/", headers=accept), 406, "not_acceptable")


def test_fields_are_named_by_their_path(world: World) -> None:
    carol = program(world, "carol")
    body = {"prompt": "New?", "completions": [{"text": "yes"}, {"source": "me"}]}
    error = error_of(carol.ask("POST", HELPFUL + "tasks/", body), 400, "invalid")
    assert error["errors"] == [{"pointer": "#/completions/1/text", "detail": "This field is required."}]
    assert error["type"].endswith("/api/v1/docs/#error-invalid")


def test_what_a_lines_reader_refuses_is_named_by_field(world: World) -> None:
    carol = program(world, "carol")
    for prompt, pointer in (
        (5, "#/prompt"),
        ([{"role": "robot", "content": "hm"}], "#/prompt/0/role"),
        ("a\0b", "#/prompt"),
    ):
        error = error_of(carol.ask("POST", HELPFUL + "prompts/", {"prompt": prompt}), 400, "invalid")
        assert [one["pointer"] for one in error["errors"]] == [pointer], error
    twice = {"prompt": "New?", "completions": [{"text": "yes"}, {"text": "yes"}]}
    error = error_of(carol.ask("POST", HELPFUL + "tasks/", twice), 400, "invalid")
    assert not Task.objects.filter(prompt__messages__0__content="New?").exists()


def test_a_lease_that_is_over_and_a_run_that_has_ended_are_conflicts(world: World) -> None:
    alice, carol = program(world, "alice"), program(world, "carol")
    path = HELPFUL + f"assignments/{world.ids['assignment']}/"
    assert alice.ask("POST", path + "release/").status_code == 200
    error_of(alice.ask("POST", path + "skip/", {"reason": "late"}), 409, "lease_over")
    cancel = HELPFUL + f"runs/{world.ids['run']}/cancel/"
    assert carol.ask("POST", cancel).json()["status"] == "cancelled"
    error_of(carol.ask("POST", cancel), 409, "run_not_active")


def test_a_fault_of_ours_is_told_without_its_details(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object, *args: object, **kwargs: object) -> None:
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr(projects.OneProject, "get", broken)
    answer = program(world, "carol").ask("GET", HELPFUL)
    error_of(answer, 500, "internal_error")
    assert "swordfish" not in answer.content.decode()


@override_settings(ALLOWED_HOSTS=["elsewhere.example"])
def test_a_host_that_is_not_ours_is_refused_in_the_same_shape() -> None:
    error_of(Client().get("/api/v1/projects/"), 400, "bad_request")


def test_pages_outside_the_api_keep_their_own_errors(world: World) -> None:
    answer = Client().get("/no-such-page/")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_a_page_of_the_api_that_is_only_read_refuses_in_the_same_shape() -> None:
    for path in ("schema/", "docs/"):
        answer = Client().post(f"/api/v1/{path}")
        error_of(answer, 405, "method_not_allowed")
        assert answer.headers["Allow"] == "GET, HEAD"


def test_what_comes_too_often_or_is_not_there_now_may_come_again(world: World) -> None:
    carol = program(world, "carol")
    RewardModelVersion.objects.update(is_active=True)
    body = {"project": "helpful", "items": [{"prompt": "a", "completion": "b"}]}
    nothing_answers = carol.ask("POST", "score/", body)
    error_of(nothing_answers, 503, "no_scorer")
    assert nothing_answers.headers["Retry-After"] == "5"
    with override_settings(API_RATE=1):
        carol = program(world, "carol")
        carol.ask("GET", HELPFUL)
        too_often = carol.ask("GET", HELPFUL)
    error_of(too_often, 429, "throttled")
    assert 1 <= int(too_often.headers["Retry-After"]) <= 60


def test_a_pointer_is_escaped_as_a_fragment_is(world: World) -> None:
    # RFC 6901, sections 3 and 6: ~ is ~0, / is ~1, and what no URI may hold is percent-encoded.
    path = HELPFUL + f"assignments/{world.ids['assignment']}/submit/"
    answer = program(world, "alice").ask("POST", path, {"ranks": {"a/b~ü": 0}})
    assert wrong_with(answer) == ["#/ranks/a~1b~0%C3%BC"]


def test_what_is_scored_is_named_by_its_place(world: World) -> None:
    RewardModelVersion.objects.update(is_active=True)
    body = {
        "project": "helpful",
        "items": [{"prompt": "a", "completion": "b"}, {"prompt": "a", "completion": 5}],
    }
    assert wrong_with(program(world, "carol").ask("POST", "score/", body)) == ["#/items/1/completion"]


def test_a_form_of_too_many_fields_is_no_fault_of_ours(world: World, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 3
    fields = {str(number): "x" for number in range(5)}
    error_of(program(world, "carol").ask("POST", HELPFUL + "imports/", fields, **NO_FILE), 400, "bad_request")
