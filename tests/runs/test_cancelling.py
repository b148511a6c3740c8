"""A stop on purpose and a cancel at the same moment, on two connections: the run is never queued for ever."""

import datetime
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from annotation.files import transfers
from console import downloads
from runs import kinds, lifecycle
from runs.execution import folder_of
from runs.models import Artifact, Run
from tests.annotation.factories import make_project
from tests.runs import slow_storage
from tests.runs.beside import beside
from tests.runs.conftest import claimed, make_run, wait_for
from tests.runs.counting import expected
from tests.runs.slow_storage import answered_at_once
from tests.runs.test_execution import carry_out, child_pid, in_background, kill_child, steps_done

pytestmark = pytest.mark.django_db(transaction=True)
Status = Run.Status
GIVES_BACK = [lifecycle.give_back, lifecycle.lose, lifecycle.reclaim]


def status_of(run: Run) -> str:
    return Run.objects.get(pk=run.pk).status


@pytest.mark.parametrize("give_back", GIVES_BACK)
def test_given_back_after_a_cancel_it_is_cancelled(give_back: Callable[..., str]) -> None:
    run = claimed(make_run())
    lifecycle.cancel(run=run)
    assert run.cancel_requested_at is None, "the row as its worker read it knows nothing of a cancel"
    assert give_back(run=run) == Status.CANCELLED
    ended = Run.objects.get(pk=run.pk)
    assert (ended.status, ended.reason) == (Status.CANCELLED, "Cancelled.")
    assert ended.finished_at is not None


@pytest.mark.parametrize("give_back", GIVES_BACK)
def test_cancelled_after_it_was_given_back_it_is_cancelled(give_back: Callable[..., str]) -> None:
    run = claimed(make_run())
    assert give_back(run=run) == Status.QUEUED
    lifecycle.cancel(run=run)
    assert status_of(run) == Status.CANCELLED


@pytest.mark.parametrize("give_back", GIVES_BACK)
def test_a_cancel_that_comes_while_a_run_is_given_back_ends_it(give_back: Callable[..., str]) -> None:
    run = claimed(make_run())
    assert beside(lambda: give_back(run=run), lambda: lifecycle.cancel(run=run)) is None
    assert status_of(run) == Status.CANCELLED


@pytest.mark.parametrize("give_back", [lifecycle.give_back, lifecycle.lose])
def test_what_is_given_back_while_a_cancel_comes_is_cancelled(give_back: Callable[..., str]) -> None:
    run = claimed(make_run())
    assert beside(lambda: lifecycle.cancel(run=run), lambda: give_back(run=run)) == Status.CANCELLED
    assert status_of(run) == Status.CANCELLED


def test_a_sweep_leaves_a_run_alone_whose_row_somebody_holds_and_does_not_wait() -> None:
    """Its worker writes what it made, which may take longer than a heartbeat is waited for."""
    run = claimed(make_run())
    Run.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - datetime.timedelta(hours=1))
    run = Run.objects.get(pk=run.pk)
    swept: list[str] = []

    def sweep() -> None:
        with answered_at_once():
            swept.append(lifecycle.reclaim(run=Run.objects.get(pk=run.pk)))

    def finish() -> None:
        thread = threading.Thread(target=_and_close, args=(sweep,))
        thread.start()
        thread.join(30)

    lifecycle.succeed(run=run, finish=finish)
    assert swept == [Status.RUNNING]
    assert status_of(run) == Status.SUCCEEDED


def _and_close(work: Callable[[], None]) -> None:
    from django.db import connection

    try:
        work()
    finally:
        connection.close()


def test_no_queued_row_can_be_one_that_was_to_be_cancelled() -> None:
    run = make_run()
    with pytest.raises(IntegrityError, match="run_queued_is_not_cancelled"):
        Run.objects.filter(pk=run.pk).update(cancel_requested_at=timezone.now())


@pytest.mark.processes
def test_a_child_that_we_had_to_kill_ourselves_is_no_lost_worker(settings: Any) -> None:
    """Its checkpoint took longer than it was given: three deploys would fail the run."""
    settings.RUN_STOP_SECONDS = 1.0
    run = make_run(steps=1000, seconds=0.1, deaf=True)
    for _ in range(3):
        stopping = threading.Event()
        thread = in_background(run, stopping)
        wait_for(lambda: child_pid(run) and steps_done(run))
        stopping.set()
        thread.join(30)
        run.refresh_from_db()
        assert (run.status, run.lost_workers) == (Status.QUEUED, 0)
        assert child_pid(run) == 0
    assert run.attempt == 3


@pytest.mark.processes
def test_a_worker_that_leaves_while_it_stores_gives_the_run_back_and_the_next_one_stores(
    settings: Any, tmp_path: Path
) -> None:
    """A deploy would wait no longer than that for it, and an upload takes as long as it takes."""
    settings.RUN_STOP_SECONDS = 1.0
    # Its own: what another test has stored already would not be stored again.
    storage = {**settings.STORAGES["artifacts"], "OPTIONS": {"location": tmp_path / "artifacts"}}
    settings.STORAGES = {**settings.STORAGES, "artifacts": storage}
    slow_storage.slow(settings)
    run, stopping = make_run(steps=3), threading.Event()
    thread = in_background(run, stopping)
    assert slow_storage.begun.wait(60)
    stopping.set()
    thread.join(30)
    run.refresh_from_db()
    assert (run.status, run.lost_workers) == (Status.QUEUED, 0)
    slow_storage.let_go.set()
    assert (carry_out(run).status, run.lost_workers) == (Status.SUCCEEDED, 0)
    run.refresh_from_db()
    assert run.result["digest"] == expected(3)
    assert Artifact.objects.get(digest=run.result["artifact"]).run == run


@pytest.mark.processes
def test_a_child_that_ends_by_the_signal_that_asks_it_to_stop_is_no_lost_worker() -> None:
    """It was told before it listened: while Python and torch were loaded."""
    run, stopping = make_run(steps=1000, seconds=0.1), threading.Event()
    stopping.set()
    assert (carry_out(run, stopping).status, run.lost_workers) == (Status.QUEUED, 0)
    run.refresh_from_db()
    assert run.lost_workers == 0


@pytest.mark.processes
def test_a_child_that_somebody_else_killed_is_lost_at_once_though_its_heart_beats(settings: Any) -> None:
    settings.RUN_HEARTBEAT_SECONDS = 0.01
    run = make_run(steps=1000, seconds=0.1)
    thread = in_background(run)
    wait_for(lambda: steps_done(run) >= 1)
    kill_child(run)
    thread.join(30)
    run.refresh_from_db()
    assert (run.status, run.lost_workers) == (Status.QUEUED, 1)


def half_written_export(behaves: str, monkeypatch: pytest.MonkeyPatch, *, resumes: bool = False) -> Run:
    """A queued export whose child is tests.runs.half_written."""
    command = [sys.executable, "-m", "tests.runs.half_written"]
    half = replace(
        transfers.DATASET,
        command=lambda run, folder: [*command, str(folder.path), behaves],
        resumes=resumes,
    )
    monkeypatch.setitem(kinds._kinds, half.name, half)
    return transfers.request_dataset(project=make_project())


@pytest.mark.processes
@pytest.mark.parametrize(
    ("behaves", "status"),
    [("heeds", Status.CANCELLED), ("deaf", Status.CANCELLED), ("fails", Status.FAILED)],
)
def test_an_export_that_ends_before_it_is_done_leaves_nothing_half_and_offers_nothing(
    behaves: str, status: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RUN_STOP_SECONDS = 0.5
    run = half_written_export(behaves, monkeypatch)
    thread = in_background(run)
    if behaves != "fails":
        wait_for(lambda: (folder_of(run).output / "ours" / "weights").exists())
        # What lies there half is offered at no time.
        assert downloads.exported(Run.objects.get(pk=run.pk)) is None
        lifecycle.cancel(run=run)
    thread.join(30)
    run.refresh_from_db()
    assert run.status == status
    assert not folder_of(run).output.exists()
    assert downloads.exported(run) is None


@pytest.mark.processes
def test_what_can_go_on_from_a_checkpoint_keeps_what_it_has_written(monkeypatch: pytest.MonkeyPatch) -> None:
    run = carry_out(half_written_export("fails", monkeypatch, resumes=True))
    assert run.status == Status.FAILED
    assert (folder_of(run).output / "ours" / "weights").exists()
