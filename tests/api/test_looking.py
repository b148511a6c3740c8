"""A file is looked at by a program before it is imported, and nothing of it is stored."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from annotation.files import looking
from annotation.models import Prompt, Transfer
from tests.api.world import Program, token_of, wrong_with
from tests.pages.cast import Cast, make_cast

pytestmark = pytest.mark.django_db
IMPORTS = "projects/helpful/imports/"
TABLE = b"question,response_a,response_b,winner\nWhich?,Fig.,Mud.,b\nWhat?,Fig.,Mud.,perhaps\n"


@pytest.fixture
def cast(tmp_path: Path, settings: Any) -> Cast:
    files = {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = {**settings.STORAGES, "default": files}
    return make_cast()


def send(cast: Cast, where: str, data: bytes, name: str = "table.csv", **fields: str) -> Any:
    return Program(token_of(cast.carol)).ask("POST", where, fields, file=SimpleUploadedFile(name, data))


@pytest.mark.parametrize("in_memory", [True, False], ids=["in memory", "on disk"])
def test_it_says_what_it_understands_and_stores_nothing(
    cast: Cast, tmp_path: Path, settings: Any, in_memory: bool
) -> None:
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 2**20 if in_memory else 0
    answer = send(cast, IMPORTS + "look/", TABLE)
    assert answer.status_code == 200
    understood = answer.json()
    (example,) = understood.pop("examples")
    assert [(one["text"], one["rank"]) for one in example["completions"]] == [("Fig.", 2), ("Mud.", 1)]
    assert understood == {
        "file": "CSV",
        "understood_as": "two answers and which is better",
        "kind": "rankings",
        "columns": ["question", "response_a", "response_b", "winner"],
        "records": 2,
        "whole": True,
        "lines": 1,
        "left_out": {},
        "bad": 1,
        "bad_records": [
            {
                "number": 2,
                "field": "winner",
                "reason": "is 'perhaps', which names neither response_a nor response_b, and no tie",
            }
        ],
    }
    assert not Prompt.objects.exists()
    assert not Transfer.objects.exists()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    # And now it is imported, as it was understood.
    run = send(cast, IMPORTS, TABLE, skip_bad="true").json()
    transfer = Transfer.objects.get(run=run["id"])
    assert (transfer.kind, transfer.columns, transfer.skip_bad) == ("rankings", {}, True)


def test_columns_are_named_as_for_an_import(cast: Cast) -> None:
    data = b"Frage,Antwort\nWarum?,Darum.\n"
    unknown = send(cast, IMPORTS + "look/", data)
    assert (unknown.status_code, unknown.json()["code"]) == (400, "bad_request")
    assert "table.csv: its columns say neither what was asked" in unknown.json()["detail"]
    columns = "prompt=Frage, completion=Antwort"
    understood = send(cast, IMPORTS + "look/", data, columns=columns).json()
    assert (understood["kind"], understood["examples"]) == (
        "demonstrations",
        [{"prompt": "Warum?", "completion": "Darum."}],
    )
    for wrong in ("prompt", "prompt=Frage, completion=Nichts"):
        assert send(cast, IMPORTS + "look/", data, columns=wrong).status_code == 400, wrong
    run = send(cast, IMPORTS, data, columns=columns).json()
    assert Transfer.objects.get(run=run["id"]).kind == "demonstrations"


def test_of_a_long_file_the_first_records_are_looked_at(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "LOOKED_AT", 4)
    lines = b"".join(json.dumps({"prompt": f"Why, {number}?"}).encode() + b"\n" for number in range(5))
    understood = send(cast, IMPORTS + "look/", lines, "prompts.jsonl").json()
    assert (understood["records"], understood["lines"], understood["whole"]) == (4, 4, False)
    assert [one["prompt"] for one in understood["examples"]] == ["Why, 0?", "Why, 1?", "Why, 2?"]


def test_a_file_that_is_too_large_or_none_is_refused(cast: Cast, settings: Any, tmp_path: Path) -> None:
    settings.MAX_UPLOAD_BYTES = len(TABLE) - 1
    refused = send(cast, IMPORTS + "look/", TABLE)
    assert (refused.status_code, refused.json()["code"]) == (
        send(cast, IMPORTS, TABLE).status_code,
        "bad_request",
    )
    assert "too large" in refused.json()["detail"]
    assert "no record" in send(cast, IMPORTS + "look/", b"\n\n").json()["detail"]
    assert wrong_with(Program(token_of(cast.carol)).ask("POST", IMPORTS + "look/", {}, nothing="")) == [
        "#/file"
    ]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
