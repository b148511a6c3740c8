"""Imports of files and of values: how far they say they are, and how long they wait for another."""

import io

import pytest
from django.db import connection

from annotation.errors import BadFile
from annotation.files import intake
from annotation.models import Prompt
from tests.annotation.factories import lines_of, make_project

pytestmark = pytest.mark.django_db


def wait_for_locks() -> str:
    """How long the transaction waits for a lock from here on; 0 is for ever."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        return str(cursor.fetchone()[0])


def test_files_tell_how_many_lines_are_done_bad_ones_too_at_every_thousand() -> None:
    heard: list[int] = []
    lines = lines_of([{"prompt": f"Prompt {number}"} for number in range(2100)]) + b"no line\n"
    report = intake.import_file(
        project=make_project(), kind="prompts", stream=io.BytesIO(lines), skip_bad=True, watch=heard.append
    )
    assert heard == [1000, 2000, 2101]
    assert (report.lines, report.added, report.bad) == (2101, 2100, 1)


def test_files_wait_for_another_import_as_long_as_it_takes() -> None:
    intake.import_file(project=make_project(), kind="prompts", stream=io.BytesIO(b'{"prompt": "a"}'))
    assert wait_for_locks() == "0"


def test_files_of_values_add_what_they_hold_and_wait_ten_seconds_for_another_import() -> None:
    project = make_project()
    values = [{"prompt": "a"}, {"prompt": "b"}]
    report = intake.import_values(project=project, kind="prompts", values=values)
    assert (report.lines, report.added, Prompt.objects.filter(project=project).count()) == (2, 2, 2)
    assert wait_for_locks() == "10s"


def test_files_of_values_add_nothing_where_one_is_bad() -> None:
    with pytest.raises(BadFile):
        intake.import_values(project=make_project(), kind="prompts", values=[{"prompt": "a"}, {"prompt": 1}])
    assert not Prompt.objects.exists()
