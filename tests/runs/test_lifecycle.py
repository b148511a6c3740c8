"""A run's status moves by compare-and-set."""

import datetime

import pytest
from django.db import connection
from django.utils import timezone

from runs import ends, lifecycle
from runs.errors import LeaseLost, RunNotActive
from runs.folder.progress import Reading
from runs.models import Run, RunMetric
from tests.runs.conftest import claimed, make_run

pytestmark = pytest.mark.django_db
Status = Run.Status
NOON = datetime.datetime(2026, 11, 1, 12, tzinfo=datetime.UTC)
SECOND = datetime.timedelta(seconds=1)


def test_second_delivery_of_a_live_run_is_dropped() -> None:
    run = make_run()
    assert lifecycle.claim(run_id=run.pk, worker="first") is not None
    assert lifecycle.claim(run_id=run.pk, worker="second") is None
    run.refresh_from_db()
    assert (run.worker, run.attempt) == ("first", 1)


def test_an_old_attempt_can_neither_beat_nor_show_nor_end_a_reclaimed_run() -> None:
    old = claimed(make_run())
    assert lifecycle.reclaim(run=old) == Status.QUEUED
    old = Run.objects.get(pk=old.pk)
    old.attempt = 1
    new = claimed(old)
    assert new.attempt == 2
    with pytest.raises(LeaseLost):
        lifecycle.beat(run=old)
    with pytest.raises(LeaseLost):
        lifecycle.show(run=old, progress=None, log_tail="")
    with pytest.raises(LeaseLost):
        lifecycle.add_metrics(run=old, lines=[{"step": 1}])
    with pytest.raises(LeaseLost):
        lifecycle.succeed(run=old, finish=lambda: None)
    assert not lifecycle.fail(run=old, reason="no")
    assert Run.objects.get(pk=new.pk).status == Status.RUNNING
    assert not RunMetric.objects.exists()


def test_a_worker_that_beats_again_before_the_sweep_keeps_its_run() -> None:
    run = claimed(make_run())
    seen_by_sweep = Run.objects.get(pk=run.pk)
    Run.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() + datetime.timedelta(seconds=1))
    assert lifecycle.reclaim(run=seen_by_sweep) == Status.RUNNING


def test_the_third_lost_worker_fails_the_run() -> None:
    run = make_run()
    ends = [lifecycle.reclaim(run=claimed(run)) for _ in range(3)]
    assert ends == [Status.QUEUED, Status.QUEUED, Status.FAILED]
    run.refresh_from_db()
    assert "lost 3 times" in run.reason
    assert run.finished_at is not None


def test_a_stop_on_purpose_costs_no_attempt() -> None:
    run = make_run()
    for _ in range(5):
        assert lifecycle.give_back(run=claimed(run))
    run.refresh_from_db()
    assert (run.status, run.lost_workers, run.attempt) == (Status.QUEUED, 0, 5)


def test_cancel_of_a_queued_run_ends_it_and_no_worker_takes_it() -> None:
    run = make_run()
    lifecycle.cancel(run=run)
    assert lifecycle.claim(run_id=run.pk, worker="w") is None
    run.refresh_from_db()
    assert run.status == Status.CANCELLED


def test_cancel_of_a_running_run_reaches_its_worker_with_the_next_beat() -> None:
    run = claimed(make_run())
    assert lifecycle.beat(run=run) is False
    lifecycle.cancel(run=run)
    assert lifecycle.beat(run=run) is True
    assert lifecycle.end_cancelled(run=run)


def test_an_ended_run_cannot_be_cancelled() -> None:
    run = claimed(make_run())
    lifecycle.fail(run=run, reason="no")
    with pytest.raises(RunNotActive):
        lifecycle.cancel(run=run)


def test_a_cancelled_run_whose_worker_died_is_not_started_again() -> None:
    run = claimed(make_run())
    lifecycle.cancel(run=run)
    run.refresh_from_db()
    assert lifecycle.reclaim(run=run) == Status.CANCELLED


def test_success_and_what_it_makes_are_one_transaction() -> None:
    run = claimed(make_run())

    def finish() -> None:
        raise ValueError("the output is not what it should be")

    with pytest.raises(ValueError):
        lifecycle.succeed(run=run, finish=finish)
    assert Run.objects.get(pk=run.pk).status == Status.RUNNING


def test_progress_shown_is_never_more_than_its_total() -> None:
    run = claimed(make_run())
    lifecycle.show(run=run, progress=Reading(7, 5, "counting"), log_tail="log")
    run.refresh_from_db()
    assert (run.done, run.total, run.doing) == (5, 5, "counting")


def test_time_left_is_that_until_the_end_that_the_child_expects() -> None:
    run = claimed(make_run())
    lifecycle.show(run=run, progress=Reading(1, 100, "counting"), log_tail="")
    run.refresh_from_db()
    assert run.seconds_left(NOON) is None
    lifecycle.show(run=run, progress=Reading(25, 100, "counting", NOON.timestamp() + 30), log_tail="")
    run.refresh_from_db()
    assert [run.seconds_left(NOON + seconds * SECOND) for seconds in (0, 10, 40)] == [30, 20, None]


def test_sweep_finds_silent_runs_and_messages_that_never_came() -> None:
    silent, fresh, unsent = claimed(make_run()), claimed(make_run()), make_run()
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM statement_timestamp() - pg_postmaster_start_time())")
        age = float(cursor.fetchone()[0])
    before_the_database = timezone.now() - datetime.timedelta(seconds=age + 300)
    Run.objects.filter(pk=silent.pk).update(heartbeat_at=before_the_database)
    fresh_since = timezone.now() - datetime.timedelta(seconds=age / 4)
    Run.objects.filter(pk=fresh.pk).update(heartbeat_at=fresh_since)
    assert list(Run.objects.stale(seconds=age / 2)) == [silent]
    # What was heard last before the database was away for long: its worker cannot have said more.
    assert not Run.objects.stale(seconds=age + 60)
    assert list(Run.objects.unsent(seconds=30)) == [unsent]
    Run.objects.filter(pk=unsent.pk).update(sent_at=timezone.now())
    assert not Run.objects.unsent(seconds=30)
    assert Run.objects.filter(pk=fresh.pk).active().exists()


def test_every_end_is_told_once_and_a_listener_that_fails_keeps_no_run_from_ending(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[tuple[int, str]] = []

    def fails(run: Run) -> None:
        Run.objects.filter(pk=run.pk).update(reason="half written")
        raise ZeroDivisionError

    monkeypatch.setattr(ends, "_listeners", [fails, lambda run: heard.append((run.pk, run.status))])
    done, failed, stopped, queued, lost = (make_run() for _ in range(5))
    lifecycle.succeed(run=claimed(done), finish=lambda: None)
    lifecycle.fail(run=claimed(failed), reason="No.")
    running = claimed(stopped)
    lifecycle.cancel(run=running)
    lifecycle.end_cancelled(run=running)
    lifecycle.cancel(run=queued)
    for _ in range(3):
        lifecycle.reclaim(run=claimed(Run.objects.get(pk=lost.pk)))
    ended = [(done, "succeeded"), (failed, "failed"), (stopped, "cancelled"), (queued, "cancelled")]
    assert heard == [*((run.pk, status) for run, status in ended), (lost.pk, "failed")]
    assert not Run.objects.filter(reason="half written").exists()
    assert caplog.text.count("could not be told") == 5
