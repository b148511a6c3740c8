"""Annotators in their browsers, against web processes that are killed under them: each judgement is stored once.

They keep drafts, skip now and then, and send one form in ten twice. ``python -m benchmarks.races`` runs it at full
size, with ``CONCORD_RACE_TASKS=500``.
"""

import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from functools import partial

import psutil
import pytest
from django.test import Client as Browser

from annotation.models import Assignment, Comparison, Ranking, Slot
from benchmarks.clients import Answer, Client
from tests.annotation.factories import make_member, make_project, make_tasks
from tests.annotation.judging import at_once
from tests.webserver import web

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]
ANNOTATORS, OVERLAP, WORKERS = 32, 3, 3
TASKS = int(os.environ.get("CONCORD_RACE_TASKS", "30"))
# A web process that was killed is there again within this time.
PATIENCE_SECONDS = 60


def patiently(client: Client, method: str, path: str, fields: dict[str, str] | None = None) -> Answer:
    """As a browser whose person presses the button again: what was sent may have been stored already."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            answer = client.send(method, path, fields)
            assert answer.status == 200, (answer.status, answer.body[:500])
            return answer
        except OSError:
            assert time.monotonic() < deadline, "the web server is gone"
            client.close()
            time.sleep(0.1)


def work_through(
    port: int, slug: str, cookies: dict[str, str], seed: int, skips: float = 0.05
) -> Counter[str]:
    """Rank until nothing is left, with drafts and skips in between; every tenth form goes out twice at the same moment.

    Returns what was sent, by its kind.
    """
    rng = random.Random(seed)
    page = f"/projects/{slug}/rank/"
    sent: Counter[str] = Counter()
    with closing(Client(port, cookies)) as first, closing(Client(port, cookies)) as second:
        first.page = patiently(first, "GET", page).body
        while (form := first.form()) is not None:
            if rng.random() < 0.2:
                patiently(first, "POST", f"{page}draft/", form)
                sent["draft"] += 1
            kind = "skip" if rng.random() < skips else "submit"
            fields = {**form, "reason": "not mine"} if kind == "skip" else form
            second.cookies.update(first.cookies)
            tabs = [first, second] if rng.random() < 0.1 else [first]
            answers = at_once([partial(patiently, tab, "POST", f"{page}{kind}/", fields) for tab in tabs])
            assert all(isinstance(answer, Answer) for answer in answers), answers
            first.page = answers[0].body  # type: ignore[attr-defined]  # just asserted
            sent[kind] += 1
            sent["twice"] += len(tabs) - 1
    assert b"Nothing left for you" in first.page
    return sent


def kill_now_and_then(master: psutil.Process, over: threading.Event, killed: list[int]) -> None:
    """SIGKILL to one web process after the other, each time when all are there."""
    while not over.wait(2):
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
    people = []
    for _ in range(ANNOTATORS):
        browser = Browser()
        browser.force_login(make_member(project))
        people.append({name: cookie.value for name, cookie in browser.cookies.items()})
    killed: list[int] = []
    over = threading.Event()
    with web(workers=WORKERS) as (port, master):
        killer = threading.Thread(target=kill_now_and_then, args=(master, over, killed))
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
    pairs = Counter(Ranking.objects.values_list("task_id", "annotator_id"))
    assert (len(pairs), pairs.total()) == (TASKS * OVERLAP, TASKS * OVERLAP)
    assert set(Counter(task for task, _ in pairs).values()) == {OVERLAP}
    assert set(Slot.objects.values_list("task_id", "annotator_id")) == set(pairs)
    done = Counter(Assignment.objects.values_list("status", flat=True))
    assert (done["submitted"], set(done) - {"submitted", "skipped"}) == (TASKS * OVERLAP, set())
    assert not set(Assignment.objects.filter(status="skipped").values_list("task_id", "annotator_id")) & set(
        pairs
    )
    assert Comparison.objects.count() == TASKS * OVERLAP
    # A form whose answer a killed process owed is sent again, and counts once.
    assert sent["submit"] == TASKS * OVERLAP
