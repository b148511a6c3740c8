"""Uploads are bounded, stored before the transaction of their import, and leave nothing behind."""

import io
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotation.errors import BadRequest
from annotation.files import transfers, uploads
from annotation.models import Transfer
from runs import lifecycle
from runs.models import Run
from tests.annotation.factories import make_project
from tests.api.world import Program, token_of
from tests.pages.cast import make_cast

pytestmark = pytest.mark.django_db(transaction=True)
DAY = 24 * 3600


@pytest.fixture(autouse=True)
def place(tmp_path: Path, settings: Any) -> Path:
    """Where uploads lie."""
    files = {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path / "files"}}
    settings.STORAGES = {**settings.STORAGES, "default": files}
    settings.RUNS_DIR = tmp_path / "runs"
    return tmp_path / "files" / "transfers"


def stored(place: Path) -> list[str]:
    return sorted(path.name for path in place.glob("*"))


def asked_for_import(**fields: Any) -> Run:
    return transfers.request_import(
        project=make_project(), kind="prompts", file=ContentFile(b'{"prompt": "Why?"}\n'), **fields
    )


def test_a_file_is_stored_before_the_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    inside: list[bool] = []
    keep = uploads.keep

    def watched(file: Any) -> str:
        inside.append(connection.in_atomic_block)
        return keep(file)

    monkeypatch.setattr(uploads, "keep", watched)
    asked_for_import()
    assert inside == [False]


def test_a_file_whose_import_could_not_be_queued_is_removed(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(**_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(lifecycle, "create", fails)
    with pytest.raises(ZeroDivisionError):
        asked_for_import()
    assert stored(place) == []


def test_files_that_no_import_names_are_removed_after_a_day(place: Path) -> None:
    run = asked_for_import()
    young, old = place / "young.jsonl", place / "old.jsonl"
    for path in (young, old):
        path.write_text("{}\n")
    os.utime(old, (time.time() - 2 * DAY,) * 2)
    assert uploads.clean() == 1
    assert stored(place) == sorted([Path(str(run.transfer.file.name)).name, "young.jsonl"])


@pytest.mark.parametrize(
    ("status", "days", "left"),
    [
        ("queued", 90, 1),
        ("running", 90, 1),
        ("failed", 6, 1),
        ("failed", 8, 0),
        ("cancelled", 0, 0),
        ("succeeded", 0, 0),
    ],
)
def test_a_file_is_kept_for_as_long_as_an_import_may_read_it(
    place: Path, status: str, days: int, left: int
) -> None:
    run, then = asked_for_import(), timezone.now() - timedelta(days=days)
    times = (
        {"finished_at": then}
        if status in {"failed", "cancelled", "succeeded"}
        else {"started_at": then, "heartbeat_at": then}
    )
    Run.objects.filter(pk=run.pk).update(status=status, created_at=then, **times)
    uploads.clean()
    assert len(stored(place)) == left


def test_a_file_that_another_import_is_to_read_is_kept(place: Path) -> None:
    run = asked_for_import()
    Run.objects.filter(pk=run.pk).update(status="failed", finished_at=timezone.now() - timedelta(days=8))
    transfers.request_rest(run=Run.objects.get(pk=run.pk))
    assert uploads.clean() == 0
    uploads.forget(run.transfer)
    assert len(stored(place)) == 1


def test_a_file_that_is_too_large_is_refused_in_words_and_not_stored(place: Path, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 10
    with pytest.raises(BadRequest, match="10 bytes is the most"):
        asked_for_import()
    cast = make_cast()
    carol = Program(token_of(cast.carol))
    file = SimpleUploadedFile("prompts.jsonl", b'{"prompt": "Why?"}\n')
    answer = carol.ask("POST", f"projects/{cast.project.slug}/imports/", {"kind": "prompts"}, file=file)
    assert answer.status_code == 400
    assert "10 bytes is the most" in answer.json()["detail"]
    client = Client()
    client.force_login(cast.carol)
    fields = {"import-kind": "prompts", "import-file": io.BytesIO(b'{"prompt": "Why?"}\n')}
    page = client.post(reverse("admin:act", args=[cast.project.slug, "import"]), fields)
    assert page.status_code == 400
    assert "10 bytes is the most" in page.content.decode().replace("\xa0", " ")
    assert (stored(place), Transfer.objects.count()) == ([], 0)


class Unread(io.RawIOBase):
    """A body that must not be read."""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        raise AssertionError("the body was read")


@pytest.mark.parametrize("path", ["/admin/projects/p/act/import/", "/api/v1/projects/p/imports/"])
def test_a_body_that_announces_too_much_is_refused_before_it_is_read(path: str, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 3_000_000
    announced: Any = {"CONTENT_LENGTH": str(3_000_000 + 1_000_001), "wsgi.input": Unread()}
    answer = Client().generic(
        "POST",
        path,
        content_type="multipart/form-data; boundary=x",
        **announced,
    )
    assert answer.status_code == 413
    words = answer.content.decode().replace("\xa0", " ")
    assert "2.9 MB" in words
    if path.startswith("/api/"):
        assert answer.json()["code"] == "too_large"
    else:
        assert "This file is too large" in words
