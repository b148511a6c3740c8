"""Rows that are written while those after them are made: what is asked next finds them, or hears why they are not."""

import threading

import pytest
from django.db import IntegrityError, connection, transaction

from annotation.files.intake import copying
from annotation.models import Source
from tests.annotation.factories import make_project

pytestmark = pytest.mark.django_db
FIELDS = ("id", "project", "kind", "name")


def test_a_statement_finds_the_rows_that_were_written_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    project, threads = make_project(), set[str]()
    write = copying._write

    def named(*rows: object) -> None:
        threads.add(threading.current_thread().name)
        write(*rows)  # type: ignore[arg-type]

    monkeypatch.setattr(copying, "_write", named)
    with copying.written_behind():
        for count in (1, 300, 2, 500):
            ids = copying.take_ids(Source, count)
            assert ids == sorted(set(ids))
            before = Source.objects.count()
            copying.copy_rows(Source, FIELDS, [(pk, project.pk, "import", f"source {pk}") for pk in ids])
            assert Source.objects.count() == before + count
    assert sorted(threads) == ["write-behind_0"]
    assert set(Source.objects.filter(pk__in=ids).values_list("name", flat=True)) == {
        f"source {pk}" for pk in ids
    }


@pytest.mark.parametrize("asks", [True, False])
def test_what_postgres_refuses_is_raised_by_the_next_statement_or_at_the_end(asks: bool) -> None:
    project = make_project()
    twice = [(pk, project.pk, "import", "same") for pk in copying.take_ids(Source, 2)]
    after = [(pk, project.pk, "import", f"other {pk}") for pk in copying.take_ids(Source, 2)]

    @transaction.atomic
    def import_them() -> None:
        with copying.written_behind():
            copying.copy_rows(Source, FIELDS, twice)
            copying.copy_rows(Source, FIELDS, after)
            if asks:
                Source.objects.count()
                pytest.fail("it went on after the refusal")

    with pytest.raises(IntegrityError, match="source_name_once"):
        import_them()
    assert not connection.needs_rollback
    assert not Source.objects.filter(project=project).exists()
