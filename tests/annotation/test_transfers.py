"""Imports and exports as runs, carried out by real child processes on the tests' own database."""

import gzip
import json
import subprocess
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.utils import timezone

from annotation.errors import BadRequest
from annotation.files import transfers, uploads
from annotation.models import Project, Prompt, Transfer
from runs import kinds, lifecycle
from runs.execution import folder_of
from runs.foreground import run_here
from runs.models import Run
from tests.annotation.counting import rows
from tests.annotation.factories import lines_of, make_project, out, put, ranking
from tests.runs.conftest import _database_url, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]
CHAT = [{"role": "user", "content": "Hello."}]


@pytest.fixture(autouse=True)
def _homes(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child's database is this test's, and what it writes goes with the test."""
    monkeypatch.setenv("DATABASE_URL", _database_url())
    settings.RUNS_DIR = tmp_path / "runs"
    settings.RUN_HEARTBEAT_SECONDS = 0.2
    files = {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path / "files"}}
    settings.STORAGES = {**settings.STORAGES, "default": files}


def upload(project: Project, data: bytes, kind: str | None = "prompts", **fields: Any) -> Run:
    """A finished run that imports ``data``."""
    file = ContentFile(data)
    run = transfers.request_import(project=project, kind=kind, file=file, **fields)
    return run_here(lambda: run)  # no worker takes it meanwhile


def prompts(count: int) -> bytes:
    return lines_of([{"prompt": f"Prompt {number}"} for number in range(count)])


def test_an_import_succeeds_with_its_counts_and_its_progress() -> None:
    project = make_project()
    data = gzip.compress(prompts(1200))
    run = upload(project, data, file_name="../../etc/passwd")
    assert run.status == Run.Status.SUCCEEDED, run.reason
    counts = {"lines": 1200, "added": 1200, "already": 0, "bad": 0, "bad_lines": []}
    assert run.result == {"project": project.slug, "kind": "prompts", **counts}
    assert (run.done, run.total, run.doing) == (len(data), len(data), "bytes of the file")
    assert Prompt.objects.filter(project=project).count() == 1200


def test_the_name_of_an_upload_never_becomes_a_path(tmp_path: Path) -> None:
    run = upload(make_project(), prompts(1), file_name="../../../escaped.jsonl")
    assert run.transfer.file_name == "../../../escaped.jsonl"
    assert not list(tmp_path.rglob("*escaped*"))
    assert str(run.transfer.file.name).startswith("transfers/")


def files_of(run: Run) -> list[Path]:
    """What is left of an upload: in the storage, and in the run's folder."""
    kept = Path(run.transfer.file.path)
    return [path for path in (kept, folder_of(run).inputs / uploads.INPUT_NAME) if path.exists()]


def test_an_upload_is_removed_once_it_is_imported() -> None:
    assert files_of(upload(make_project(), prompts(3))) == []


def test_the_upload_of_a_failed_import_stays_for_a_week_and_can_be_imported_without_its_bad_lines() -> None:
    project = make_project()
    failed = upload(project, prompts(2) + b"{}\n")
    assert uploads.clean() == 0
    assert transfers.has_rest(failed)
    rest = run_here(lambda: transfers.request_rest(run=failed))
    assert (rest.status, rest.result["added"], rest.result["bad"]) == (Run.Status.SUCCEEDED, 2, 1), (
        rest.reason
    )
    assert not transfers.has_rest(failed)
    with pytest.raises(BadRequest, match="choose the file again"):
        transfers.request_rest(run=failed)
    old = upload(project, b"{}\n")
    assert len(files_of(old)) == 2
    Run.objects.filter(pk=old.pk).update(finished_at=timezone.now() - timedelta(days=8))
    assert uploads.clean() == 1
    assert files_of(old) == []


def test_a_bad_file_fails_the_run_with_its_lines_and_stores_nothing() -> None:
    project = make_project()
    before = rows()
    run = upload(project, prompts(3) + b'{"prompt": 7}\n')
    assert (run.status, rows()) == (Run.Status.FAILED, {**before, "Transfer": 1})
    assert "1 bad line(s), nothing imported" in run.reason
    assert "line 4, prompt: must be a text or a list of messages, not a whole number" in run.reason


def test_a_damaged_file_fails_the_run_with_the_reason() -> None:
    run = upload(make_project(), gzip.compress(prompts(3))[:-4])
    assert run.status == Run.Status.FAILED
    assert "Nothing is imported: the gzip file is damaged" in run.reason


def test_bad_lines_are_left_out_where_that_was_asked_for_and_named_in_the_result() -> None:
    run = upload(make_project(), prompts(2) + b"{}\n", skip_bad=True)
    assert run.status == Run.Status.SUCCEEDED, run.reason
    assert (run.result["added"], run.result["bad"]) == (2, 1)
    assert run.result["bad_lines"] == [{"number": 3, "field": "prompt", "reason": "is missing"}]


@pytest.fixture
def canceller() -> Iterator[None]:
    """Somebody who cancels the running run once it has begun to store lines."""

    def cancel() -> None:
        wait_for(lambda: Run.objects.filter(status=Run.Status.RUNNING, done__gt=0).exists(), seconds=40)
        lifecycle.cancel(run=Run.objects.get())
        connection.close()

    thread = threading.Thread(target=cancel)
    thread.start()
    yield
    thread.join()


def test_a_cancelled_import_leaves_nothing(canceller: None) -> None:
    project = make_project()
    before = rows()
    run = upload(project, lines_of([ranking(f"Prompt {n}", 1, 2, 3) for n in range(20_000)]), kind="rankings")
    assert run.status == Run.Status.CANCELLED, (run.status, run.reason)
    assert 0 < run.done < run.total
    assert rows() == {**before, "Transfer": 1}


def test_an_attempt_after_one_that_was_lost_writes_the_data_set_of_its_own_moment(settings: Any) -> None:
    project = make_project()
    put(project, "rankings", ranking("Early", 1, 2))
    run = transfers.request_dataset(project=project, license="mit")
    folder = folder_of(run)
    folder.make()
    kind = kinds.kind_of(run)
    kind.prepare(run, folder)
    for _ in range(2):
        subprocess.run(kind.command(run, folder), check=True, timeout=60, cwd=settings.BASE_DIR)
        put(project, "rankings", ranking("Late", 1, 2))
    assert kind.store(run, folder)["rows"] == 4  # two rankings, and a pair of each


def exported(run: Run) -> bytes:
    return (folder_of(run).output / str(run.result["file"])).read_bytes()


def test_a_file_of_another_tool_is_converted_by_the_columns_that_were_named() -> None:
    project = make_project()
    run = upload(
        project,
        b"Frage,Antwort\nWelche?,Feige.\n",
        kind=None,
        columns={"prompt": "Frage", "completion": "Antwort"},
    )
    assert run.status == Run.Status.SUCCEEDED, run.reason
    assert (run.transfer.kind, run.result["understood_as"], run.result["added"]) == (
        "demonstrations",
        "lines of demonstrations",
        1,
    )
    assert (run.done, run.total) == (1, 1)
    with pytest.raises(BadRequest, match="it has no column Frage"):
        upload(project, b"question,answer\na,b\n", kind=None, columns={"prompt": "Frage"})
    bad = upload(project, b"prompt,completion\nx,y\nx,  \n", kind=None)
    assert (bad.status, "line 2, completion: is blank" in bad.reason) == (Run.Status.FAILED, True)
    rest = run_here(lambda: transfers.request_rest(run=bad))
    assert (rest.result["added"], rest.result["bad"]) == (1, 1)


def test_an_export_is_the_file_that_a_command_writes() -> None:
    project = make_project()
    put(project, "prompts", *({"prompt": f"Prompt {n}"} for n in range(1500)))
    run = run_here(lambda: transfers.request_export(project=project, kind="prompts"))
    assert run.status == Run.Status.SUCCEEDED, run.reason
    assert run.result["file"] == f"{project.slug}-prompts.jsonl"
    assert (run.result["lines"], run.done, run.total) == (1500, 1500, 1500)
    assert exported(run) == out(project, "prompts")


def test_an_export_of_a_split_holds_nothing_else() -> None:
    project = make_project()
    put(project, "prompts", *({"prompt": s, "split": s} for s in ("train", "validation", "test")))
    run = run_here(lambda: transfers.request_export(project=project, kind="prompts", split="test"))
    assert [json.loads(line)["prompt"] for line in exported(run).splitlines()] == ["test"]
    assert (run.done, run.total) == (1, 1)


def test_an_export_that_cannot_be_one_file_fails_with_the_reason_and_of_one_form_it_is() -> None:
    project = make_project()
    put(project, "rankings", ranking("one", 1, 2), ranking(CHAT, 1, 2))
    chats = run_here(lambda: transfers.request_export(project=project, kind="pairs", form="chat"))
    assert [json.loads(line)["prompt"] for line in exported(chats).splitlines()] == [CHAT]
    assert (chats.done, chats.total) == (1, 1)
    run = run_here(lambda: transfers.request_export(project=project, kind="pairs"))
    assert run.status == Run.Status.FAILED
    assert "a file holds one form" in run.reason
    assert not folder_of(run).output.exists()


def test_a_kind_or_split_that_is_none_is_refused_before_any_run() -> None:
    project = make_project()
    with pytest.raises(BadRequest, match="no kind 'secrets'"):
        transfers.request_import(project=project, kind="secrets", file=ContentFile(b""))
    with pytest.raises(BadRequest, match="no split 'dev'"):
        transfers.request_export(project=project, kind="prompts", split="dev")
    with pytest.raises(BadRequest, match="no form 'verse'"):
        transfers.request_export(project=project, kind="prompts", form="verse")
    assert not Run.objects.exists()
    assert not Transfer.objects.exists()
