"""Imports beside each other, and imports that are killed: all or nothing holds."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from annotation.models import Project, Ranking
from tests.annotation.counting import rows
from tests.annotation.factories import Values, emptied, lines_of, make_project, out, put, put_bytes, ranking
from tests.annotation.judging import at_once
from tests.runs.conftest import _database_url, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


def rankings(count: int) -> list[Values]:
    """``count`` lines, by ten annotators."""
    return [ranking(f"Prompt {n}", 1, 2, 2, annotator=f"annotator {n % 10}") for n in range(count)]


def importing(project: Project, path: Path) -> "subprocess.Popen[bytes]":
    """A process that imports a file of rankings."""
    what = [str(path), "--project", project.slug, "--kind", "rankings"]
    return subprocess.Popen(
        [sys.executable, "manage.py", "import_jsonl", *what],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": _database_url()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "rankings.jsonl"
    path.write_bytes(lines_of(rankings(4000)))
    return path


def test_two_processes_that_import_one_file_store_it_once(large: Path) -> None:
    project = make_project()
    both = [importing(project, large) for _ in range(2)]
    answers = [json.loads(process.communicate(timeout=60)[0]) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sorted((answer["added"], answer["already"]) for answer in answers) == [(0, 4000), (4000, 0)]
    stored = rows()
    assert (stored["Ranking"], stored["Task"], stored["Prompt"], stored["Comparison"]) == (
        4000,
        4000,
        4000,
        12_000,
    )


def rankings_begun() -> int:
    """Ids of rankings that were ever taken: a sequence moves at once, before any commit."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM annotation_ranking_id_seq")
        return int(cursor.fetchone()[0])


def others() -> int:
    """Other connections to this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return int(cursor.fetchone()[0])


def test_an_import_that_is_killed_in_the_middle_leaves_nothing_and_can_be_repeated(large: Path) -> None:
    project = make_project()
    before, begun, alone = rows(), rankings_begun(), others()
    process = importing(project, large)
    wait_for(lambda: rankings_begun() > begun, seconds=30)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "it ended before it was killed"
    wait_for(lambda: others() <= alone, seconds=30)
    assert rows() == before
    assert put_bytes(project, "rankings", large.read_bytes()).added == 4000
    assert Ranking.objects.filter(project=project).count() == 4000


def test_an_export_imported_into_two_projects_at_once_is_stored_in_both() -> None:
    """Its public ids can be given back in one of them only; neither import may fail for that."""
    one, two = make_project(), make_project()
    put(one, "rankings", *rankings(300))
    exported = out(one, "rankings")
    one = emptied(one)
    answers = at_once(
        [lambda into=into: put_bytes(into, "rankings", exported) for into in (one, two)]  # type: ignore[misc]
    )
    assert [getattr(answer, "added", answer) for answer in answers] == [300, 300]
    assert len(set(Ranking.objects.values_list("public_id", flat=True))) == 600
