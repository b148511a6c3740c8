"""A file of another tool is sent, looked at and imported in the browser."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import signing
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from annotation.files import looking, uploads
from annotation.models import Prompt, Transfer
from tests.pages.cast import Cast, make_cast

pytestmark = pytest.mark.django_db
PROJECT = "/admin/projects/helpful/"
TABLE = b"question,response_a,response_b,winner,note\nWhich?,Fig.,Mud.,b,odd\nWhat?,Fig.,Mud.,perhaps,\n"


@pytest.fixture
def cast(tmp_path: Path, settings: Any) -> Cast:
    files = {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = {**settings.STORAGES, "default": files}
    return make_cast()


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def send(client: Client, data: bytes, **fields: str) -> HttpResponse:
    values = {f"import-{name}": value for name, value in fields.items()}
    file = SimpleUploadedFile("table.csv", data)
    return client.post(f"{PROJECT}import/", {**values, "import-file": file})  # type: ignore[return-value]


def stored(tmp_path: Path) -> list[Path]:
    return [path for path in tmp_path.rglob("*") if path.is_file()]


def test_it_shows_what_it_understands_and_stores_nothing_until_it_is_told_to(
    cast: Cast, tmp_path: Path
) -> None:
    client = client_of(cast.carol)
    sent = send(client, TABLE)
    assert sent.status_code == 302
    assert sent["Location"].startswith(f"{PROJECT}look/?file=")
    page = client.get(sent["Location"])
    text = page.content.decode()
    assert "<strong>table.csv</strong> is CSV" in text
    assert "two answers and which is better" in text
    assert "Record 2, winner: is &#x27;perhaps&#x27;, which names neither response_a nor response_b" in text
    understanding = page.context["found"]
    assert (
        understanding.kind,
        understanding.records,
        understanding.lines,
        understanding.bad_records,
        understanding.whole,
    ) == (
        "rankings",
        2,
        1,
        1,
        True,
    )
    (example,) = (json.loads(one) for one in page.context["examples"])
    assert [item["rank"] for item in example["completions"]] == [2, 1]
    assert not Prompt.objects.exists()
    assert not Transfer.objects.exists()
    word = parse_qs(urlsplit(sent["Location"]).query)["file"][0]
    done = client.post(f"{PROJECT}convert/", {"convert-word": word, "convert-skip_bad": "on"})
    transfer = Transfer.objects.get()
    assert done["Location"] == f"/admin/runs/{transfer.run_id}/"
    assert (transfer.kind, transfer.columns, transfer.skip_bad, transfer.file_name) == (
        "rankings",
        {},
        True,
        "table.csv",
    )
    assert Path(transfer.file.path).read_bytes() == TABLE


def test_columns_that_the_file_does_not_say_are_named_in_the_form(cast: Cast) -> None:
    client = client_of(cast.carol)
    table = b"Frage,Antwort\nWelche?,Feige.\n"
    refused = send(client, table)
    assert refused.status_code == 400
    assert "say neither what was asked nor what was answered: Frage, Antwort" in refused.content.decode()
    named = send(client, table, columns="prompt=Frage, completion=Antwort")
    assert "completion is Antwort" in client.get(named["Location"]).content.decode()
    wrong = send(client, table, columns="prompt")
    assert "must look like prompt=question" in wrong.content.decode()


def test_what_is_not_understood_is_not_kept(cast: Cast, tmp_path: Path) -> None:
    client = client_of(cast.carol)
    for data in (b"", b"hello", b"PAR1" + b"x" * 50):
        assert send(client, data).status_code == 400
    assert stored(tmp_path) == []


def test_only_who_sent_it_sees_it_for_a_day_and_in_its_project(cast: Cast, tmp_path: Path) -> None:
    address = send(client_of(cast.carol), TABLE)["Location"]
    answer = client_of(cast.olivia).get(address)
    assert "Somebody else chose this file" in answer.content.decode()
    word = parse_qs(urlsplit(address).query)["file"][0]
    for other in (word[:-2], "", signing.dumps({"project": 1}, salt="another")):
        answer = client_of(cast.carol).get(f"{PROJECT}look/", {"file": other})
        assert "older than a day, or not whole" in answer.content.decode()
        assert answer.status_code == 400
        posted = client_of(cast.carol).post(f"{PROJECT}convert/", {"convert-word": other})
        assert "choose the file again" in posted.content.decode()
    assert not Transfer.objects.exists()
    (path,) = stored(tmp_path)
    path.unlink()
    answer = client_of(cast.carol).get(address)
    assert "it was imported, or removed a day after it was sent" in answer.content.decode()


def test_an_upload_that_nobody_decided_on_is_removed_after_a_day(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(client_of(cast.carol), TABLE)
    assert (uploads.clean(), len(stored(tmp_path))) == (0, 1)
    late = timezone.now() + timedelta(days=1, minutes=1)
    monkeypatch.setattr("django.utils.timezone.now", lambda: late)
    assert (uploads.clean(), stored(tmp_path)) == (1, [])


def test_a_large_file_is_looked_at_in_part(cast: Cast) -> None:
    client = client_of(cast.carol)
    table = b"prompt,completion\n" + b"x,y\n" * (looking.LOOKED_AT + 1)
    text = client.get(send(client, table)["Location"]).content.decode()
    assert "Records looked at" in text
    assert f"{looking.LOOKED_AT}, the first ones" in text
