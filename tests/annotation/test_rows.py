"""Written-out statements give the very rows that querysets give, joined ones included."""

from typing import Any

import pytest
from django.db.models import Model
from django.utils import timezone

from annotation.collecting import queue
from annotation.models import Annotator, Assignment, Bookmark, Project, Prompt, Task
from annotation.rows import Rows
from tests.annotation.factories import make_annotator, make_project, make_tasks

pytestmark = pytest.mark.django_db


def values(row: Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_rows_are_those_of_a_queryset(django_assert_num_queries: Any) -> None:
    """Every column of every table, with its Python type: JSON, arrays, decimals, times, UUIDs."""
    project = make_project()
    Project.objects.update(hour_cost="12.50")
    make_tasks(project, 1)
    Task.objects.update(metadata={"a": [1, None]})
    assignment = queue.claim(annotator=make_annotator(project, "ada"))
    assert assignment is not None
    statement = Rows(
        Assignment,
        """
        SELECT [assignment], [task], [prompt], [project] FROM annotation_assignment assignment
        JOIN annotation_task task ON task.id = task_id JOIN annotation_prompt prompt ON prompt.id = prompt_id
        JOIN annotation_project project ON project.id = assignment.project_id
        """,
        task=Task,
        task__prompt=Prompt,
        project=Project,
    )
    with django_assert_num_queries(1):
        (row,) = statement.all()
        reached = [row, row.task, row.task.prompt, row.project]
    expected = Assignment.objects.select_related("task__prompt", "project").get()
    assert [values(one) for one in reached] == [
        values(one) for one in (expected, expected.task, expected.task.prompt, expected.project)
    ]


def test_a_relation_that_has_no_row_is_not_asked_for_again(django_assert_num_queries: Any) -> None:
    """Somebody new has no bookmark, and nothing looks for it a second time; one that is there comes with them."""
    project = make_project()
    ada = make_annotator(project, "ada")
    statement = Rows(
        Annotator,
        """
        SELECT [annotator], [bookmark] FROM annotation_annotator annotator
        LEFT JOIN annotation_bookmark bookmark ON bookmark.annotator_id = annotator.id WHERE annotator.id = %(id)s
        """,
        bookmark=Bookmark,
    )
    with django_assert_num_queries(1):
        assert getattr(statement.one(id=ada.pk), "bookmark", None) is None
    Bookmark.objects.create(annotator=ada, priority=3, task_number=4, queue_version=5, made_at=timezone.now())
    with django_assert_num_queries(1):
        assert statement.one(id=ada.pk).bookmark.task_number == 4


def test_no_row_is_none_or_the_models_own_error() -> None:
    """As ``first`` and ``get`` of a queryset."""
    statement = Rows(Task, "SELECT [task] FROM annotation_task task WHERE id = %(id)s")
    assert statement.first(id=0) is None
    with pytest.raises(Task.DoesNotExist):
        statement.one(id=0)
