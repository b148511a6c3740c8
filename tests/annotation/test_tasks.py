"""Tasks that files bring: what their own line says of them, also where a judgement had brought them before."""

import pytest

from annotation.files.intake import create_tasks
from annotation.files.intake.tasks import set_priorities
from annotation.models import Project, Task
from tests.annotation.factories import make_project, put, ranking

pytestmark = pytest.mark.django_db
LINE = {
    "prompt": "p",
    "completions": [{"text": "a"}, {"text": "b", "sampling": {"temperature": 0.5}}],
    "task": "t",
    "id": "c-1",
    "priority": 3,
    "level": 2,
}


def judged() -> tuple[Project, Task]:
    """A project with a task that a ranking brought: nobody is asked for it, and nothing else is known of it."""
    project = make_project()
    put(project, "rankings", ranking("p", 1, 2, task="t"))
    return project, project.tasks.get()


def fields_of(task: Task) -> tuple[str, dict[str, object], int, list[int]]:
    task.refresh_from_db()
    slots = task.slots.order_by("number").values_list("priority", flat=True)
    return task.external_id, task.metadata, task.priority, list(slots)


def test_tasks_that_a_judgement_brought_get_what_their_own_line_says() -> None:
    project, task = judged()
    assert fields_of(task) == ("", {}, 0, [])
    report = put(project, "completions", LINE)
    assert (report.added, report.already) == (0, 1)
    assert fields_of(task) == ("c-1", {"level": 2}, 3, [3])
    sampling = task.entries.order_by("position").values_list("completion__sampling", flat=True)
    assert list(sampling) == [{}, {"temperature": 0.5}]


def test_tasks_whose_priority_was_set_keep_it() -> None:
    project, task = judged()
    set_priorities(project=project, priorities={task.pk: 5})
    put(project, "completions", LINE)
    assert fields_of(task)[:3] == ("", {}, 5)


def test_tasks_with_slots_stay_as_they_were_first_said() -> None:
    project = make_project()
    put(project, "completions", {name: LINE[name] for name in ("prompt", "completions", "task")})
    task = project.tasks.get()
    put(project, "completions", LINE)
    assert fields_of(task) == ("", {}, 0, [0])


def test_tasks_are_asked_for_fifty_prompts_at_a_time_unless_told() -> None:
    project = make_project()
    put(project, "prompts", *({"prompt": f"Prompt {number}"} for number in range(51)))
    assert create_tasks(project=project, kind="demonstrate") == 50
    assert create_tasks(project=project, kind="demonstrate") == 1
