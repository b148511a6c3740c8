"""A worker carries a run out with a real child process."""

import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import psutil
import pytest
import torch

from runs import kinds, lifecycle
from runs.execution import execute, folder_of
from runs.folder.folder import RunFolder
from runs.foreground import run_here
from runs.models import Artifact, Run, RunAnswer, RunMetric
from tests.runs.conftest import claimed, make_run, wait_for
from tests.runs.counting import WATCHED, expected
from tests.runs.counting_kind import KIND

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]
Status = Run.Status


def carry_out(run: Run, stopping: threading.Event | None = None) -> Run:
    return execute(run=claimed(run), stopping=(stopping or threading.Event()).is_set)


def in_background(run: Run, stopping: threading.Event | None = None) -> threading.Thread:
    from django.db import connection

    def work() -> None:
        carry_out(run, stopping)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def child_pid(run: Run) -> int:
    """The process whose command names this run's folder."""
    name = str(folder_of(run).path)
    pids = [p.pid for p in psutil.process_iter(["cmdline"]) if name in " ".join(p.info["cmdline"] or [])]
    return pids[0] if pids else 0


def kill_child(run: Run) -> None:
    """Its number 0 would be this process's group."""
    pid = child_pid(run)
    assert pid
    os.kill(pid, signal.SIGKILL)


def steps_done(run: Run) -> int:
    return RunMetric.objects.filter(run=run).count()


def test_a_run_succeeds_with_its_artifact_metrics_and_log() -> None:
    run = carry_out(make_run(steps=3))
    assert run.status == Status.SUCCEEDED, run.reason
    assert run.result["digest"] == expected(3)
    assert Artifact.objects.get(digest=run.result["artifact"]).run == run
    figures = [metric.figures for metric in RunMetric.objects.filter(run=run)]
    assert figures == [{"step": n, "value": float(n), "nothing": None} for n in (1, 2, 3)]
    answers = RunAnswer.objects.filter(run=run).values_list("step", "prompt_id", "answer", "reward")
    assert list(answers) == [(n, UUID(WATCHED), f"{n}, I say", n / 2) for n in (1, 2, 3)]
    assert (run.done, run.total) == (3, 3)
    assert run.computed_on == {"device": "cpu", "processes": 1, "torch": torch.__version__}


def test_a_child_that_fails_leaves_its_reason() -> None:
    run = carry_out(make_run(fail_at=2))
    assert run.status == Status.FAILED
    assert run.reason == "the number is not to its liking; give it another"
    assert "Traceback" in run.log_tail
    assert steps_done(run) == 2


def test_a_full_disk_fails_the_run_with_what_to_do() -> None:
    run = carry_out(make_run(fill_disk_at=1))
    assert run.status == Status.FAILED
    assert run.reason.startswith("The disk is full")


def test_a_killed_child_goes_on_from_its_checkpoint_to_the_same_result() -> None:
    run = make_run(steps=8, seconds=0.3)
    thread = in_background(run)
    wait_for(lambda: steps_done(run) >= 2)
    kill_child(run)
    thread.join()
    run.refresh_from_db()
    assert (run.status, run.lost_workers) == (Status.QUEUED, 1)
    run = carry_out(run)
    assert run.status == Status.SUCCEEDED, run.reason
    assert run.result["digest"] == expected(8)
    assert [m.step for m in RunMetric.objects.filter(run=run)] == list(range(1, 9))
    assert [one.step for one in RunAnswer.objects.filter(run=run)] == list(range(1, 9))


def test_a_worker_that_leaves_gives_the_run_back_with_a_checkpoint() -> None:
    run, stopping = make_run(steps=8, seconds=0.3), threading.Event()
    thread = in_background(run, stopping)
    wait_for(lambda: steps_done(run) >= 2)
    stopping.set()
    thread.join()
    run.refresh_from_db()
    assert (run.status, run.lost_workers) == (Status.QUEUED, 0)
    assert carry_out(run).result["digest"] == expected(8)


def test_what_a_child_wrote_before_a_cancel_is_followed_to_its_last_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[bytes] = []

    def follow(run: Run, folder: RunFolder) -> None:
        if folder.metrics_file.exists():  # the child's first step may be yet to come
            seen.append(folder.metrics_file.read_bytes())

    monkeypatch.setitem(kinds._kinds, KIND.name, replace(KIND, follow=follow))
    run = make_run(steps=100, seconds=0.1)
    thread = in_background(run)
    wait_for(lambda: steps_done(run) >= 2)
    lifecycle.cancel(run=run)
    thread.join()
    run.refresh_from_db()
    assert run.status == Status.CANCELLED
    assert seen[-1] == folder_of(run).metrics_file.read_bytes()


def test_cancel_ends_the_child() -> None:
    run = make_run(steps=100, seconds=0.3)
    thread = in_background(run)
    wait_for(lambda: steps_done(run) >= 1)
    lifecycle.cancel(run=Run.objects.get(pk=run.pk))
    thread.join(20)
    run.refresh_from_db()
    assert run.status == Status.CANCELLED
    assert child_pid(run) == 0


def test_a_child_deaf_to_sigterm_is_killed(settings: "pytest.FixtureRequest") -> None:
    settings.RUN_STOP_SECONDS = 1.0  # type: ignore[attr-defined]
    run = make_run(steps=1000, seconds=0.3, deaf=True)
    thread = in_background(run)
    wait_for(lambda: steps_done(run) >= 1)
    lifecycle.cancel(run=Run.objects.get(pk=run.pk))
    thread.join(20)
    run.refresh_from_db()
    assert run.status == Status.CANCELLED
    assert child_pid(run) == 0


def test_a_worker_that_lost_its_lease_ends_its_child_and_touches_nothing() -> None:
    run = make_run(steps=1000, seconds=0.2)
    thread = in_background(run)
    wait_for(lambda: steps_done(run) >= 1)
    Run.objects.filter(pk=run.pk).update(attempt=7, worker="another")
    thread.join(20)
    run.refresh_from_db()
    assert (run.status, run.worker, run.attempt) == (Status.RUNNING, "another", 7)
    assert child_pid(run) == 0


def test_a_folder_has_one_writer() -> None:
    run = make_run(steps=1)
    folder = folder_of(run)
    folder.make()
    folder.write_config({"steps": 1, "seconds": 0.0})
    with folder.writing():
        run = carry_out(run)
    assert run.status == Status.FAILED
    assert "another process writes" in run.reason


def test_here_carries_a_run_out_in_the_command_itself(capfd: pytest.CaptureFixture[str]) -> None:
    run = run_here(lambda: make_run(steps=3))
    assert run.status == Status.SUCCEEDED, run.reason
    assert "counting" in capfd.readouterr().err


def test_child_leaves_when_the_workers_end_of_the_pipe_closes(tmp_path: Path) -> None:
    from runs.child import Child
    from runs.folder.folder import RunFolder
    from tests.runs.counting_kind import command

    run = make_run()
    folder = RunFolder(tmp_path / "lone")
    folder.make()
    folder.write_config({"steps": 1000, "seconds": 0.1})
    child = Child(command(run, folder), folder)
    wait_for(folder.metrics_file.exists)
    os.close(child._write)  # what the kernel does when the worker dies, however it dies
    started = time.monotonic()
    assert child.wait(10) == 3
    assert time.monotonic() - started < 10
