"""Real Celery workers on real Postgres: nothing is lost or done twice when any of them is killed."""

import os
import signal

import psutil
import pytest
from django.db import connection

from runs import lifecycle
from runs.models import Run, RunMetric
from runs.workers import has_worker
from tests.runs.conftest import Workers, make_run, wait_for
from tests.runs.counting import expected
from tests.runs.test_execution import child_pid

pytestmark = pytest.mark.processes
Status = Run.Status


def ended(run: Run) -> bool:
    run.refresh_from_db()
    return not run.is_active


def steps_done(run: Run) -> int:
    return RunMetric.objects.filter(run=run).count()


def messages(queue: str) -> int:
    """How many wait, or are being read."""
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT count(*) FROM pgmq."q_{queue}"')
        (count,) = cursor.fetchone()
    return int(count)


def test_a_message_starts_a_run_and_a_second_one_is_dropped(workers: Workers) -> None:
    run = make_run(steps=3)
    for _ in range(3):
        lifecycle.send(run=run)
    workers.worker(name="a")
    workers.worker(name="b")
    wait_for(lambda: ended(run))
    assert (run.status, run.attempt) == (Status.SUCCEEDED, 1)
    wait_for(lambda: messages("gpu") + messages("cpu") == 0)
    workers.end()  # a worker finishes first with what it has read
    run.refresh_from_db()
    assert run.attempt == 1
    assert [m.step for m in RunMetric.objects.filter(run=run)] == [1, 2, 3]


def test_a_killed_worker_loses_nothing(workers: Workers) -> None:
    run = make_run(steps=10, seconds=0.5)
    lifecycle.send(run=run)
    first = workers.worker(name="a")
    wait_for(lambda: steps_done(run) >= 2)
    # For as long as it lives, whatever it does.
    assert all(has_worker(queue) for queue in Run.Queue.values)
    orphans = [psutil.Process(child_pid(run))]
    first.send_signal(signal.SIGKILL)
    first.wait()
    wait_for(lambda: not any(has_worker(queue) for queue in Run.Queue.values))
    gone, alive = psutil.wait_procs(orphans, timeout=10)
    assert gone
    assert not alive, "a run's processes end within ten seconds of their worker's death"
    workers.worker(queues="cpu,gpu,quick", name="b")
    workers.start("beat", "--schedule", f"{workers._environment['CONCORD_HOME']}-beat", "-l", "WARNING")
    wait_for(lambda: ended(run))
    assert run.status == Status.SUCCEEDED, run.reason
    assert (run.attempt, run.lost_workers) == (2, 1)
    assert run.result["digest"] == expected(10)
    assert [m.step for m in RunMetric.objects.filter(run=run)] == list(range(1, 11))


def test_a_worker_told_to_leave_gives_its_run_back(workers: Workers) -> None:
    run = make_run(steps=10, seconds=0.5)
    lifecycle.send(run=run)
    first = workers.worker(name="a")
    wait_for(lambda: steps_done(run) >= 2)
    os.kill(first.pid, signal.SIGTERM)
    first.wait(20)
    run.refresh_from_db()
    assert (run.status, run.lost_workers) == (Status.QUEUED, 0)
    lifecycle.send(run=run)
    workers.worker(name="b")
    wait_for(lambda: ended(run))
    assert run.result["digest"] == expected(10)
