"""The assignment that a judgement answers, whatever its kind: locked while the answer is stored, then closed."""

from django.db import connection

from annotation.errors import BadRequest, LeaseOver
from annotation.models import Annotator, Assignment, Project, Slot
from annotation.rows import Rows
from annotation.webhooks import telling

Status = Assignment.Status


def hold(*, assignment: Assignment, annotator: Annotator, kind: str) -> Assignment:
    """Lock the annotator's assignment of a task of ``kind`` for an answer. Call inside a transaction.

    A double submit waits here and then finds the status SUBMITTED: the first one's answer stands. A lease that
    expired but was not taken by anybody else still counts. Raises LeaseOver, BadRequest.
    """
    locked = _LOCKED.one(id=assignment.pk)
    if locked.annotator_id != annotator.pk:
        raise LeaseOver("This task is not yours.")
    locked.task, locked.annotator = assignment.task, annotator  # neither is ever another one
    if locked.task.kind != kind:
        raise BadRequest("This task asks for another kind of answer. Open it again.")
    if locked.status == Status.EXPIRED:
        _take_back(locked)
    elif locked.status not in {Status.OPEN, Status.SUBMITTED}:
        raise LeaseOver("You skipped this task or handed it back. Take the next one.")
    return locked


def close(assignment: Assignment) -> None:
    """It is answered; its draft has served, and webhooks hear of a task that is done."""
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE, [assignment.pk])
    telling.task_judged(assignment=assignment)


_LOCKED = Rows(
    Assignment,
    """
    SELECT [assignment], [project] FROM annotation_assignment assignment
    JOIN annotation_project project ON project.id = assignment.project_id
    WHERE assignment.id = %(id)s FOR UPDATE OF assignment
    """,
    project=Project,
)
_CLOSE = """
    UPDATE annotation_assignment SET status = 'submitted', closed_at = statement_timestamp(), draft = '{}' WHERE id = %s
"""


def _take_back(assignment: Assignment) -> None:
    """Take a free slot for an expired assignment. Locks the annotator's row, as a claim does. Raises LeaseOver."""
    Annotator.objects.select_for_update().get(pk=assignment.annotator_id)
    again = Assignment.objects.filter(
        task=assignment.task_id, annotator=assignment.annotator_id, status__in=Assignment.HOLDING
    )
    free = Slot.objects.select_for_update(skip_locked=True).filter(task=assignment.task_id, annotator=None)
    if assignment.task.is_check and not again.exists():
        return  # it has no slots: nobody else can have taken its place
    slot = None if again.exists() else free.first()
    if slot is None:
        raise LeaseOver("This task went back to the queue, and others have it now. Take the next one.")
    slot.annotator_id = assignment.annotator_id
    slot.save(update_fields=["annotator"])
