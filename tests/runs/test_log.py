"""A run's whole log, by the API, by the client and on its page: every byte once, in whole characters."""

import tracemalloc
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.test import Client as Browser
from django.utils import timezone

from concord_client import Client
from runs import log
from runs.execution import folder_of
from runs.models import Run
from tests.api.world import Program, token_of, wrong_with
from tests.pages.cast import Cast, make_cast
from tests.pages.factories import make_transfer

pytestmark = pytest.mark.django_db
# One, two, three and four bytes a character.
WORDS = "step 1: größer, 損失 0.5, \N{GRINNING FACE}\n"


@pytest.fixture
def cast(tmp_path: Path, settings: Any) -> Cast:
    settings.RUNS_DIR = tmp_path
    return make_cast()


@pytest.fixture
def run(cast: Cast) -> Run:
    run = make_transfer(cast.project).run
    now = timezone.now()
    Run.objects.filter(pk=run.pk).update(status="running", started_at=now, heartbeat_at=now)
    folder_of(run).make()
    run.refresh_from_db()
    return run


def end(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(status="succeeded", finished_at=timezone.now())


def ask(cast: Cast, run: Run, query: str = "") -> Any:
    program = Program(token_of(cast.carol))
    return program.ask("GET", f"projects/helpful/runs/{run.pk}/log/{query}")


def write(run: Run, data: bytes) -> None:
    with folder_of(run).log_file.open("ab") as file:
        file.write(data)


@pytest.mark.parametrize("size", [4, 5, 7, 1000])
def test_its_pieces_are_all_of_it_in_whole_characters(
    cast: Cast, run: Run, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(log, "PIECE_BYTES", size)
    whole = WORDS * 3
    write(run, whole.encode())
    end(run)
    texts, offset, over = [], 0, False
    while not over:
        answer = ask(cast, run, f"?offset={offset}").json()
        assert len(answer["text"].encode()) <= size
        texts.append(answer["text"])
        offset, over = answer["next"], answer["over"]
    assert "".join(texts) == whole
    assert offset == len(whole.encode())
    run.refresh_from_db()
    assert "".join(log.pieces(run)) == whole


def test_what_is_half_written_waits_until_it_is_whole(cast: Cast, run: Run) -> None:
    begun = ask(cast, run).json()
    assert begun == {"text": "", "next": 0, "over": False, "kept": True}
    face = "\N{GRINNING FACE}".encode()
    write(run, b"so far " + face[:2])
    answer = ask(cast, run).json()
    assert answer == {"text": "so far ", "next": 7, "over": False, "kept": True}
    again = ask(cast, run, "?offset=7").json()
    assert again == {"text": "", "next": 7, "over": False, "kept": True}
    write(run, face[2:] + b"!\xff")
    end(run)
    answer = ask(cast, run, "?offset=7").json()
    assert answer == {
        "text": "\N{GRINNING FACE}!\N{REPLACEMENT CHARACTER}",
        "next": 13,
        "over": True,
        "kept": True,
    }
    # Half a character that nobody will end.
    write(run, face[:3])
    answer = ask(cast, run, "?offset=13").json()
    assert (answer["text"], answer["next"], answer["over"]) == ("\N{REPLACEMENT CHARACTER}", 16, True)


def test_behind_its_end_and_without_its_folder_there_is_nothing(cast: Cast, run: Run) -> None:
    write(run, b"done\n")
    for offset in (5, 6, 2**63 - 1):
        expected = {"text": "", "next": offset, "over": False, "kept": True}
        assert ask(cast, run, f"?offset={offset}").json() == expected
    end(run)
    assert ask(cast, run, "?offset=5").json() == {"text": "", "next": 5, "over": True, "kept": True}
    folder_of(run).log_file.unlink()
    assert ask(cast, run).json() == {"text": "", "next": 0, "over": True, "kept": False}
    (folder_of(run).path / "secret").write_text("of another")
    folder_of(run).log_file.symlink_to(folder_of(run).path / "secret")
    assert ask(cast, run).json()["text"] == ""


@pytest.mark.parametrize("offset", ["-1", "soon", "", "1.5", str(2**63)])
def test_a_place_is_a_whole_number(cast: Cast, run: Run, offset: str) -> None:
    assert wrong_with(ask(cast, run, f"?offset={offset}")) == ["offset"]


def test_its_page_leads_to_the_whole_of_it(cast: Cast, run: Run) -> None:
    browser = Browser()
    browser.force_login(cast.carol)
    link = f"/admin/runs/{run.pk}/log/"
    assert link not in browser.get(f"/admin/runs/{run.pk}/").content.decode()
    assert browser.get(link).status_code == 404
    whole = WORDS * 20_000
    write(run, whole.encode())
    assert link in browser.get(f"/admin/runs/{run.pk}/").content.decode()
    answer: Any = browser.get(link)
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="run-{run.pk}-log.txt"'
    assert b"".join(answer.streaming_content).decode() == whole


def test_a_log_of_any_length_is_read_in_the_memory_of_a_piece(run: Run) -> None:
    # 256 MiB that take no room on the disk.
    with folder_of(run).log_file.open("wb") as file:
        file.truncate(2**28)
    tracemalloc.start()
    try:
        assert sum(len(text) for text in log.pieces(run)) == 2**28
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 8 * log.PIECE_BYTES


def test_a_program_follows_it_to_its_end(cast: Cast, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written while the client waits; between waits nothing is asked twice."""
    later = [b"two \xe6\x90", b"\x8d\n", b""]
    asked_for: list[str] = []

    def pause(seconds: float) -> None:
        assert seconds < 1
        data = later.pop(0)
        write(run, data)
        if not data:
            end(run)

    def answer(request: httpx.Request) -> httpx.Response:
        asked_for.append(request.url.params["offset"])
        answered = ask(cast, run, f"?{request.url.query.decode()}")
        return httpx.Response(answered.status_code, content=answered.content)

    monkeypatch.setattr("concord_client.synchronous.time.sleep", pause)
    write(run, b"one\n")
    with Client("http://concord", "token", transport=httpx.MockTransport(answer)) as client:
        texts = list(client.project("helpful").runs.follow_log(run.pk))
    assert texts == ["one\n", "two ", "\N{CJK UNIFIED IDEOGRAPH-640D}\n"]
    assert later == []
    assert asked_for == ["0", "4", "4", "8", "8", "12", "12"]
