"""Annotators at work: a task in hand, a ranking with its comparisons, many people at once."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from annotation.collecting import queue, ranking
from annotation.models import Annotator, Assignment, Ranking
from tests.annotation.factories import make_annotator, make_project, make_tasks


def taken(annotator: Annotator) -> Assignment:
    """The task that the queue gives to ``annotator``; there must be one."""
    assignment = queue.claim(annotator=annotator)
    assert assignment is not None
    return assignment


def submit(assignment: Assignment, annotator: Annotator) -> Ranking:
    """Rank the three completions of a task in their order."""
    return ranking.submit(
        assignment=assignment, annotator=annotator, verdict="ranked", ranks=range(1, 4), rationale="kept"
    )


def run_out(assignment: Assignment) -> None:
    """Let the lease have ended a second ago."""
    Assignment.objects.filter(pk=assignment.pk).update(expires_at=timezone.now() - timedelta(seconds=1))


def status_of(assignment: Assignment) -> str:
    """As the database has it now."""
    assignment.refresh_from_db()
    return assignment.status


def claimed(completions: int = 3) -> tuple[Annotator, Assignment]:
    """An annotator with a task of their own."""
    project = make_project()
    make_tasks(project, 1, completions=completions)
    annotator = make_annotator(project)
    return annotator, taken(annotator)


def submitted(*ranks: int) -> Ranking:
    annotator, assignment = claimed(len(ranks))
    return ranking.submit(assignment=assignment, annotator=annotator, verdict="ranked", ranks=ranks)


def comparisons_of(of: Ranking) -> set[tuple[str, str, bool]]:
    """The comparisons by the texts of their completions, which end in their place in the task."""
    rows = of.comparisons.values_list("preferred__text", "rejected__text", "tie")
    return {(a[-1], b[-1], tie) for a, b, tie in rows}


def by_definition(ranks: list[int]) -> set[tuple[str, str, bool]]:
    """All pairs of places: the lower rank is preferred; equal ranks tie, the earlier place first."""
    answer = set()
    for i, a in enumerate(ranks):
        for j, b in enumerate(ranks):
            if a < b:
                answer.add((str(i), str(j), False))
            if a == b and i < j:
                answer.add((str(i), str(j), True))
    return answer


Job = Callable[[], object]


def at_once(jobs: Sequence[Job], seconds: float = 120) -> list[object]:
    """Run each job in a thread with its own connection, all let loose together; what each returned or raised."""
    with beside_each_other(len(jobs), seconds) as run:
        return run(jobs)


@contextlib.contextmanager
def beside_each_other(count: int, seconds: float = 120) -> Iterator[Callable[[Sequence[Job]], list[object]]]:
    """``at_once`` for many rounds of ``count`` jobs each: threads and connections are kept from one to the next."""
    barrier = threading.Barrier(count)

    def work(job: Job) -> object:
        connection.ensure_connection()
        barrier.wait(30)  # each thread waits with one, so each job has a thread of its own
        try:
            return job()
        except Exception as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        try:
            yield lambda jobs: list(pool.map(work, jobs, timeout=seconds))
        finally:
            list(pool.map(work, [lambda: connection.close()] * count))  # each that of its thread
