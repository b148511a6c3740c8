"""In a web process a statement that a judgement waits for is planned once, for whatever values come later.

So its plan must be right without them: by indexes, a bounded number of rows, for a newcomer and for whoever has judged
all but the last tasks of a large project. In the suite of 9,000 places and 12,000 completions, of which a scan would be
told; ``CONCORD_PLAN_TASKS=100000`` makes as many tasks, by hand.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction

from annotation import people
from annotation.collecting import bookmarks, progress, queue, ranking
from annotation.models import Annotator, Bookmark
from benchmarks import filling
from tests.annotation.factories import make_annotator, make_member

TASKS = int(os.environ.get("CONCORD_PLAN_TASKS", "3000"))
TABLES = ("slot", "assignment", "task", "ranking", "completion", "taskcompletion", "prompt")
pytestmark = [pytest.mark.django_db, pytest.mark.long]


@pytest.fixture(autouse=True)
def _planned_for_any_values(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the connections of config.wsgi, from the first time on."""
    monkeypatch.setattr(filling, "tidy", count_rows)  # VACUUM takes no transaction around it
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('plan_cache_mode', 'force_generic_plan', true)")


def count_rows() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE " + ", ".join(f"annotation_{table}" for table in (*TABLES, "annotator")))


@contextmanager
def rows_read() -> Iterator[dict[str, int]]:
    """Of each table, used or not."""

    def counts() -> dict[str, int]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"
                " WHERE relname = ANY(%s)",
                [[f"annotation_{table}" for table in TABLES]],
            )
            return dict(cursor.fetchall())

    read: dict[str, int] = {}
    before = counts()
    yield read
    read |= {table: count - before.get(table, 0) for table, count in counts().items()}


def judge_once(annotator: Annotator) -> None:
    """One claim, the figures of its page, and the judgement."""
    assignment = queue.claim(annotator=annotator)
    assert assignment is not None
    assert progress.of(annotator).left > 0
    ranking.submit(assignment=assignment, annotator=annotator, verdict="ranked", ranks=[1, 2, 3, 4])


def fill_and_give_up() -> None:
    """What an import leaves that stopped at its last line: rows that are nobody's, until Postgres sweeps the tables.
    By their number the indexes look dear, and it is tempted to read a whole table instead."""
    with transaction.atomic():
        filling.project_of(TASKS)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO annotation_slot (project_id, priority, task_id, number)"
                " SELECT project_id, priority, task_id, 10 * number + more"
                " FROM annotation_slot, generate_series(10, 19) more LIMIT 90000"
            )
        transaction.set_rollback(True)


@pytest.mark.parametrize("before", ["", "much was given up"])
@pytest.mark.parametrize("state", ["fresh", "far ahead", "beside others"])
def test_a_judgement_reads_a_bounded_number_of_rows(state: str, before: str) -> None:
    if before:
        fill_and_give_up()
    project = filling.project_of(TASKS)
    annotator = people.annotator_for(project=project, user=make_member(project))
    people.has_read_guidelines(annotator=annotator, version=project.guideline_version)
    if state == "far ahead":
        filling.judge_all_but_last(annotator, 0)
    if state == "beside others":
        for number in range(filling.OVERLAP - 1):
            filling.judge_all_but_last(make_annotator(project), number)
    judge_once(annotator)  # the first walks to where this annotator stands
    again: Any = Annotator.objects.get(pk=annotator.pk)
    # So many that the bookmark moves between, where others still have what this annotator has judged. Of a table that
    # was counted when it was empty, and is small still, everything is read: there, the first alone says something.
    judgements = bookmarks.WINDOW // (filling.OVERLAP - 1) + 2 if state == "far ahead" else 1
    stood = Bookmark.objects.filter(annotator=again).values_list("task_number", flat=True).first() or 0
    with rows_read() as read:
        for _ in range(judgements):
            judge_once(again)
    if state == "far ahead":
        assert Bookmark.objects.get(annotator=again).task_number > stood
    # The page counts up to a hundred tasks that are left, with three slots each.
    assert max(read.values()) / judgements < 700, read


def test_few_slots_are_expected_to_have_come_back() -> None:
    """Or a reading of them may be one of all slots, as the sizes of table and indexes have it that day."""
    filling.project_of(TASKS)
    given_back = bookmarks._BACK % {"project": "$1", "since": "$2"}
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) SELECT slot.id FROM {given_back}")
        ((plans,),) = cursor.fetchall()
    assert plans[0]["Plan"]["Plan Rows"] < filling.OVERLAP * TASKS / 100
