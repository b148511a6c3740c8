"""An import streams: it reads as it goes, and what it keeps of a line is next to nothing."""

import gc
import io
import json
import time
import tracemalloc
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation.files import intake
from annotation.files.intake import desk, files
from tests.annotation.factories import make_project, put, ranking

pytestmark = pytest.mark.django_db
LINES, BATCH = 2000, 100


class Endless(io.RawIOBase):
    """A file that is made while it is read."""

    def __init__(self, kind: str) -> None:
        self._kind, self._rest, self.lines_read = kind, b"", 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest and self.lines_read < LINES:
            self.lines_read += 1
            prompt, who = f"Prompt {self.lines_read}", f"annotator {self.lines_read % 10}"
            value = {"prompt": prompt} if self._kind == "prompts" else ranking(prompt, 1, 2, 2, annotator=who)
            self._rest = json.dumps(value).encode() + b"\n"
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


# A file of prompts remembers on which line each stood: a number a line, to name what comes twice.
@pytest.mark.long
@pytest.mark.parametrize(("kind", "most"), [("rankings", 50), ("prompts", 250)])
def test_memory_does_not_grow_with_the_file(kind: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes a line that stay after its batch; the bytes of the line alone are more than ``most`` for rankings."""
    monkeypatch.setattr(files, "BATCH_LINES", BATCH)
    stream, memory = Endless(kind), dict[int, int]()

    def watch(done: int) -> None:
        assert stream.lines_read - done <= BATCH + 1, "it read further ahead than one batch"
        if done % 500 == 0:
            while stream.lines_read < min(done + BATCH, LINES):  # always with the whole of the next batch
                time.sleep(0.01)
            gc.collect()
            memory[done] = tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        report = intake.import_file(
            project=make_project(), kind=kind, stream=io.BufferedReader(stream, 1), watch=watch
        )
    finally:
        tracemalloc.stop()
    assert report.added == LINES
    assert (memory[1500] - memory[500]) / 1000 < most


def test_after_a_large_import_postgres_plans_for_what_is_there() -> None:
    """Else it goes by what it saw last, and a table that was empty then is read from its beginning for every row."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE annotation_ranking")
        lines = [ranking(f"Prompt {number}", 1, 2, annotator="alice") for number in range(desk.MANY_ROWS)]
        put(make_project(), "rankings", *lines)
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'annotation_ranking'")
        assert cursor.fetchone()[0] == desk.MANY_ROWS


def test_what_an_import_left_empty_is_not_counted_as_empty() -> None:
    """Else the first judgements would be planned for a table of nothing, and read all of them again and again."""
    lines = [
        {"prompt": f"Prompt {number}", "completions": [{"text": "a"}, {"text": "b"}]}
        for number in range(desk.MANY_ROWS)
    ]
    with connection.cursor() as cursor:
        # What another test had counted is rolled back, and its count is not.
        cursor.execute("ANALYZE annotation_slot")
    with CaptureQueriesContext(connection) as caught:
        put(make_project(), "completions", *lines)
    (counted,) = [query["sql"] for query in caught if query["sql"].startswith("ANALYZE")]
    assert '"annotation_slot"' in counted
    assert "annotation_assignment" not in counted
    assert "annotation_ranking" not in counted


def test_a_small_part_of_what_is_there_waits_for_no_count() -> None:
    """A sample of every table would take longer than the lines do."""
    first = without_ranks(ranking("A first prompt", 1, 2))
    many = [without_ranks(ranking(f"Prompt {number}", 1, 2)) for number in range(desk.MANY_ROWS)]
    project = make_project()
    with connection.cursor() as cursor:
        put(project, "completions", first)
        # As where many times as many tasks were counted as come now, and few slots. What tests before this one added
        # may count as added here.
        cursor.execute("ANALYZE annotation_task, annotation_slot")
        for table, rows in (("task", 10**8), ("slot", 2 * desk.MANY_ROWS)):
            cursor.execute(
                "SELECT pg_restore_relation_stats('schemaname', 'public', 'relname', %s, 'reltuples', %s::real)",
                [f"annotation_{table}", rows],
            )
    with CaptureQueriesContext(connection) as caught:
        put(project, "completions", *many)
    (counted,) = [query["sql"] for query in caught if query["sql"].startswith("ANALYZE")]
    assert '"annotation_slot"' in counted
    assert '"annotation_task"' not in counted


def read_of_prompts() -> int:
    """Rows of prompts that this transaction has read so far, used or not."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'annotation_prompt'"
        )
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize("kind", ["prompts", "completions", "rankings"])
def test_a_batch_reads_of_what_came_before_it_only_what_it_names(kind: str) -> None:
    """Else a file takes the longer a line the longer it is: Postgres has not counted what the import itself wrote."""

    def lines(begin: int, end: int) -> list[dict[str, Any]]:
        if kind == "prompts":
            return [{"prompt": f"Prompt {number}"} for number in range(begin, end)]
        rankings = [ranking(f"Prompt {number}", 1, 2, annotator="alice") for number in range(begin, end)]
        return rankings if kind == "rankings" else [without_ranks(line) for line in rankings]

    # Postgres knows of another project alone, in which every prompt stands in one split.
    put(make_project(slug="counted"), kind, *({**line, "split": "train"} for line in lines(0, 900)))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE annotation_prompt")
    project = make_project(slug="uncounted")
    put(project, kind, *lines(0, desk.MANY_ROWS - 1))
    before = read_of_prompts()
    # Half of them are there already.
    put(project, kind, *lines(desk.MANY_ROWS - 11, desk.MANY_ROWS + 9))
    assert read_of_prompts() - before < 300


def without_ranks(line: dict[str, Any]) -> dict[str, Any]:
    """What there is to rank."""
    return {
        "prompt": line["prompt"],
        "completions": [
            {name: value for name, value in answer.items() if name != "rank"}
            for answer in line["completions"]
        ],
    }
