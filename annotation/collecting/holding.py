"""The assignment that a judgement answers, whatever its kind: locked while the answer is stored, then closed."""

from collections.abc import Sequence

from django.db.models.functions import Now

from annotation import locks, rows
from annotation.errors import BadRequest, LeaseOver
from annotation.models import Annotator, Assignment, Bookmark, Project, Prompt, Slot
from annotation.rows import Rows
from annotation.webhooks import telling

Status = Assignment.Status


# What was written for it is gone too: nobody is to think that they handed it back themselves.
WITHDRAWN = "A researcher has withdrawn this task: nobody judges it any more. Take the next one."


def is_withdrawn(assignment: Assignment) -> bool:
    """Whether the prompt of its task is erased."""
    return Prompt.objects.filter(tasks=assignment.task_id, withdrawn_at__isnull=False).exists()


def hold(*, assignment: Assignment, annotator: Annotator, kind: str) -> Assignment:
    """Lock the annotator and their assignment of a task of ``kind`` for an answer. Call inside a transaction.

    The annotator comes with it as they are now, with project and bookmark.

    A double submit waits here and then finds the status SUBMITTED: the first one's answer stands. A lease that
    expired but was not taken by anybody else still counts. Raises LeaseOver, BadRequest, Busy.
    """
    with locks.refusing():
        locked = _LOCKED.first(id=assignment.pk, annotator=annotator.pk, patience=locks.PATIENCE)
    if locked is None:
        raise LeaseOver("This task is not yours.")
    locked.task, locked.project = assignment.task, locked.annotator.project
    if locked.task.kind != kind:
        raise BadRequest("This task asks for another kind of answer. Open it again.")
    if locked.status == Status.EXPIRED:
        _take_back(locked)
    elif locked.status not in {Status.OPEN, Status.SUBMITTED}:
        raise LeaseOver(
            WITHDRAWN
            if is_withdrawn(locked)
            else "You skipped this task or handed it back. Take the next one."
        )
    return locked


def judged_under(project: Project, annotator: Annotator, shown: int | None) -> int:
    """The version of the guidelines of a judgement whose page showed version ``shown``; None: the one that stands.

    A page may be older than the guidelines, and so may what waited for a connection: what stood when it reaches the
    server is not what its annotator went by, unless they have read that meanwhile.
    """
    stands = project.guideline_version
    return stands if shown is None else min(stands, max(1, shown, annotator.guidelines_read))


def close(assignment: Assignment) -> None:
    """It is answered; its draft has served, and webhooks hear of a task that is done."""
    heard, others_open = rows.values(
        _CLOSE,
        assignment=assignment.pk,
        annotator=assignment.annotator_id,
        project=assignment.project_id,
    )
    closed(assignment, heard=heard, others_open=others_open)


def closed(assignment: Assignment, *, heard: bool, others_open: bool) -> None:
    """After a statement that closed it and asked for HEARS and OTHERS_OPEN: webhooks hear of a task that is done."""
    assignment.others_open = others_open
    if heard:
        telling.task_judged(assignment=assignment)


def hand_back(assignments: Sequence[Assignment], status: str) -> int:
    """Close open assignments that this transaction has locked, and free their slots; returns how many."""
    pairs = {(one.task_id, one.annotator_id) for one in assignments}
    slots = Slot.objects.filter(task__in={task for task, _ in pairs}, annotator__in={who for _, who in pairs})
    freed = [slot.pk for slot in locks.rows(slots) if (slot.task_id, slot.annotator_id) in pairs]
    Slot.objects.filter(pk__in=freed).set_free()
    rows = Assignment.objects.open().filter(pk__in=[one.pk for one in assignments])
    return rows.update(status=status, closed_at=Now())


_LOCKED = Rows(
    Assignment,
    """
    WITH briefly AS MATERIALIZED (SELECT set_config('lock_timeout', %(patience)s, true)),
    annotator AS MATERIALIZED (
        SELECT annotator.* FROM briefly, annotation_annotator annotator WHERE annotator.id = %(annotator)s
        AND annotator.withdrawn_at IS NULL FOR NO KEY UPDATE OF annotator
    )
    SELECT [assignment], [annotator], [project], [bookmark] FROM annotator
    JOIN annotation_assignment assignment ON assignment.annotator_id = annotator.id
    JOIN annotation_project project ON project.id = annotator.project_id
    LEFT JOIN annotation_bookmark bookmark ON bookmark.annotator_id = annotator.id
    WHERE assignment.id = %(id)s FOR NO KEY UPDATE OF assignment
    """,
    annotator=Annotator,
    annotator__project=Project,
    annotator__bookmark=Bookmark,
)
# What an answer does to its assignment.
ANSWERED = "status = 'submitted', closed_at = statement_timestamp(), draft = '{}'"
# Whether its annotator holds another task of the project. Asked by the statement that closes it, not by the one that
# locks it: that may have waited for who reserved another, and sees what was there before it waited.
OTHERS_OPEN = """
    EXISTS (SELECT FROM annotation_assignment held WHERE held.project_id = %(project)s
        AND held.annotator_id = %(annotator)s AND held.status = 'open' AND held.id <> %(assignment)s)
"""
_CLOSE = f"""
    UPDATE annotation_assignment SET {ANSWERED} WHERE id = %(assignment)s RETURNING {telling.HEARS}, {OTHERS_OPEN}
"""  # noqa: S608 (constants)


def _take_back(assignment: Assignment) -> None:
    """Take a free slot for an expired assignment. Raises LeaseOver."""
    again = Assignment.objects.filter(
        task=assignment.task_id, annotator=assignment.annotator_id, status__in=Assignment.HOLDING
    )
    free = Slot.objects.select_for_update(skip_locked=True, no_key=True).filter(
        task=assignment.task_id, annotator=None
    )
    if assignment.task.is_check and not again.exists():
        return  # it has no slots: nobody else can have taken its place
    slot = None if again.exists() else free.first()
    if slot is None:
        raise LeaseOver("This task went back to the queue, and others have it now. Take the next one.")
    slot.annotator_id = assignment.annotator_id
    slot.save(update_fields=["annotator"])
