"""How many annotators judge a task, changed later: tasks that are there follow.

More: every task that is asked of fewer gets the new slots, finished tasks too; whoever has judged a task is not asked
again. Fewer: free slots go, and what is held or judged stays. Tasks whose line named a number of their own, those that
came in judged and those of which something was withdrawn stay as they are.
"""

from collections.abc import Callable
from typing import Unpack, cast

from django.db import connection

from annotation import locks, people
from annotation.errors import BadRequest
from annotation.files.intake.desk import close_desk, open_desk
from annotation.models import Project
from annotation.models.project import MOST_ANNOTATORS
from runs.writing import write


class ProjectSettings(people.ProjectChanges, total=False):
    """What may be changed of a project, with how many judge a task."""

    annotators_per_task: int


@write
def configure_project(
    *, project: Project, check: Callable[[Project], None] | None = None, **changes: Unpack[ProjectSettings]
) -> Project:
    """Change a project as its form, a program and a command do. Raises BadRequest, Busy, and what ``check`` raises.

    ``check`` looks at the project as it was, before anything is changed and after its row is locked; where it raises,
    nothing is. The desk is locked where the number of annotators becomes another one, so other changes wait for no
    import.
    """
    annotators, before = changes.pop("annotators_per_task", None), None
    if annotators is not None and annotators != _annotators_of(project):
        locks.desk(project)
        before = _annotators_of(project)
        change_overlap(project=project, annotators=annotators)
    if check is not None:
        # Last, and so after the slots (annotation.locks).
        locked = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        if before is not None:
            locked.annotators_per_task = before
        check(locked)
    return people.change_project(project=project, **cast("people.ProjectChanges", changes))


def _annotators_of(project: Project) -> int:
    return Project.objects.values_list("annotators_per_task", flat=True).get(pk=project.pk)


@write
def change_overlap(*, project: Project, annotators: int) -> None:
    """Ask ``annotators`` for each task from now on. Locks the project's desk. Raises BadRequest, Busy."""
    if not 1 <= annotators <= MOST_ANNOTATORS:
        raise BadRequest(f"annotators_per_task: it must lie between 1 and {MOST_ANNOTATORS}.")
    desk = open_desk(project)
    before = desk.project.annotators_per_task
    values = {"project": project.pk, "annotators": annotators}
    if annotators > before:
        with connection.cursor() as cursor:
            cursor.execute(_ADD, values)
            added = cursor.fetchall()
        desk.added_slots(added)
        desk.report.added = len(added)
    elif annotators < before:
        with connection.cursor() as cursor:
            cursor.execute(_REMOVE, values)
    # The project's row comes last (annotation.locks).
    Project.objects.filter(pk=project.pk).update(annotators_per_task=annotators)
    close_desk(desk)


_ADD = """
    WITH narrow AS MATERIALIZED (
        SELECT task_id, count(*) AS slots FROM annotation_slot WHERE project_id = %(project)s
        GROUP BY task_id HAVING count(*) < %(annotators)s
    )
    INSERT INTO annotation_slot (project_id, priority, task_id, number)
    SELECT task.project_id, task.priority, task.id, free.number
    FROM narrow JOIN annotation_task task ON task.id = narrow.task_id
    JOIN annotation_prompt prompt ON prompt.id = task.prompt_id, LATERAL (
        SELECT number FROM generate_series(0, %(annotators)s - 1) numbers (number)
        WHERE NOT EXISTS (
            SELECT FROM annotation_slot slot WHERE slot.task_id = task.id AND slot.number = numbers.number
        )
        ORDER BY number LIMIT %(annotators)s - narrow.slots
    ) free
    WHERE task.purpose = 'collect' AND task.annotators IS NULL AND prompt.withdrawn_at IS NULL
    AND NOT EXISTS (
        SELECT FROM annotation_taskcompletion entry
        JOIN annotation_completion completion ON completion.id = entry.completion_id
        JOIN annotation_source source ON source.id = completion.source_id
        JOIN annotation_annotator author ON author.id = source.annotator_id
        WHERE entry.task_id = task.id AND author.withdrawn_at IS NOT NULL
    )
    ORDER BY task.id, free.number
    RETURNING priority, task_id
"""
_REMOVE = """
    WITH placed AS MATERIALIZED (
        SELECT id, row_number() OVER (PARTITION BY task_id ORDER BY annotator_id IS NULL, number) AS place
        FROM annotation_slot WHERE project_id = %(project)s
    ), spare AS MATERIALIZED (
        SELECT slot.id FROM annotation_slot slot JOIN placed USING (id)
        JOIN annotation_task task ON task.id = slot.task_id
        WHERE placed.place > %(annotators)s AND slot.annotator_id IS NULL AND task.annotators IS NULL
        ORDER BY slot.id FOR NO KEY UPDATE OF slot
    )
    DELETE FROM annotation_slot slot USING spare WHERE slot.id = spare.id
"""
