"""Annotators in their browsers, against web processes that are killed under them: each judgement is stored once.

They keep drafts, skip now and then, and send one form in ten twice. ``python -m benchmarks.races`` runs it at full
size, with ``CONCORD_RACE_TASKS=500``.
"""

import os
import signal
import sys
import threading
from collections import Counter
from contextlib import closing, suppress
from functools import partial

import psutil
import pytest

from benchmarks.clients import Client
from tests.annotation.factories import make_member, make_project, make_tasks
from tests.annotation.judging import at_once
from tests.annotation.racing import assert_ranked_once_each, logged_in, work_through
from tests.webserver import web

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]
ANNOTATORS, OVERLAP, WORKERS = 32, 3, 3
TASKS = int(os.environ.get("CONCORD_RACE_TASKS", "30"))


def kill_now_and_then(port: int, master: psutil.Process, over: threading.Event, killed: list[int]) -> None:
    """SIGKILL to one web process after the other, each time when all are there and one of them answers.

    On a busy machine they take longer to load than the oldest would live, and nobody would ever be answered.
    """
    while not over.wait(2):
        with closing(Client(port)) as somebody, suppress(OSError):
            somebody.send("GET", "/login/")
            workers = master.children()
            if len(workers) == WORKERS:
                killed.append(workers[0].pid)
                workers[0].send_signal(signal.SIGKILL)


@pytest.mark.long
def test_every_judgement_is_stored_once_though_web_processes_are_killed_and_forms_are_sent_twice(
    capsys: pytest.CaptureFixture[str],
) -> None:
    project = make_project(annotators_per_task=OVERLAP)
    make_tasks(project, TASKS, completions=2)
    people = [logged_in(make_member(project)) for _ in range(ANNOTATORS)]
    killed: list[int] = []
    over = threading.Event()
    with web(workers=WORKERS) as (port, master):
        killer = threading.Thread(target=kill_now_and_then, args=(port, master, over, killed))
        killer.start()
        jobs = [partial(work_through, port, project.slug, cookies, n) for n, cookies in enumerate(people)]
        answers = at_once(jobs, seconds=1800)
        over.set()
        killer.join()
        failed = [answer for answer in answers if not isinstance(answer, Counter)]
        assert not failed, failed
        sent = sum((answer for answer in answers if isinstance(answer, Counter)), Counter[str]())
        # What somebody skipped when the others had gone home is there for them still.
        for number, cookies in enumerate(people):
            sent += work_through(port, project.slug, cookies, number, skips=0)
    assert killed
    with capsys.disabled():
        sys.stdout.write(f"\n{TASKS} tasks, {len(killed)} web processes killed; sent: {dict(sent)}\n")
    assert_ranked_once_each(TASKS, OVERLAP)
    # A form whose answer a killed process owed is sent again, and counts once.
    assert sent["submit"] == TASKS * OVERLAP
