"""Which task an annotator gets next, and how a lease ends.

claim     a free slot of the most wanted task, under FOR UPDATE SKIP LOCKED
renew     the lease goes on while the annotator works
skip      not this one: the slot is free for others, never again for this annotator
release   not now: free for everybody, this annotator included
expire    the sweep: what a lease's end makes free
"""

import random
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from annotation import control, standing
from annotation.errors import BadRequest, LeaseOver
from annotation.models import Annotator, Assignment, Project, Slot, TaskCompletion

Status = Assignment.Status
# The lease is renewed while the annotator works, so a draft may be saved every few seconds.
MOST_DRAFT_BYTES = 64_000


@transaction.atomic
def claim(*, annotator: Annotator, shuffle: random.Random | None = None) -> Assignment | None:
    """The annotator's open assignment, or a new one on a free slot, or None where nothing is left for them.

    Locks the annotator's row first: two tabs of one person get the same assignment. The slot is taken
    under SKIP LOCKED, so annotators never wait for each other and a task is never held by more than N.
    Now and then it is a gold task or a repeat, which has no slot (annotation.control).
    ``shuffle`` orders what is shown; None uses the system's randomness. Raises ClaimsPaused.
    """
    annotator.refresh_from_db(fields=["standing"], from_queryset=Annotator.objects.select_for_update())
    held = Assignment.objects.open().filter(annotator=annotator).select_related("task__prompt").first()
    if held is not None:
        return held
    standing.refuse_paused(annotator)
    rng = shuffle or random.SystemRandom()
    check = control.due(annotator=annotator, waiting=claimable(annotator), rng=rng)
    if check is not None:
        return _assign(annotator, check.task_id, control.order_of(check, rng))
    slot = _free_slot(annotator) or (_free_slot(annotator) if expire(project=annotator.project) else None)
    if slot is None:
        return None
    slot.annotator = annotator
    slot.save(update_fields=["annotator"])
    places = list(range(TaskCompletion.objects.filter(task=slot.task_id).count()))
    rng.shuffle(places)
    return _assign(annotator, slot.task_id, places)


def _assign(annotator: Annotator, task_id: int, order: list[int]) -> Assignment:
    return Assignment.objects.create(
        task_id=task_id,
        project_id=annotator.project_id,
        annotator=annotator,
        expires_at=Now() + timedelta(seconds=annotator.project.lease_seconds),
        order_shown=order,
    )


def claimable(annotator: Annotator) -> QuerySet[Slot]:
    """Free slots that this annotator may take: of tasks they never had, skipped or wrote for."""
    seen = Assignment.objects.filter(
        task=OuterRef("task"), annotator=annotator, status__in=Assignment.HOLDING
    )
    # Nobody ranks their own text.
    own = TaskCompletion.objects.filter(task=OuterRef("task"), completion__source__annotator=annotator)
    return Slot.objects.filter(~Exists(seen), ~Exists(own), project=annotator.project_id, annotator=None)


def _free_slot(annotator: Annotator) -> Slot | None:
    return (
        claimable(annotator)
        .select_for_update(skip_locked=True, of=("self",))
        .order_by("-priority", "task", "number")
        .first()
    )


@transaction.atomic
def renew(*, assignment: Assignment, annotator: Annotator, draft: dict[str, Any] | None = None) -> None:
    """Start the lease anew, and keep a draft. Raises LeaseOver where it has ended, BadRequest for a huge draft."""
    changes: dict[str, Any] = {"expires_at": Now() + timedelta(seconds=annotator.project.lease_seconds)}
    if draft is not None:
        if len(str(draft)) > MOST_DRAFT_BYTES:
            raise BadRequest("The draft is too large to keep.")
        changes["draft"] = draft
    if not Assignment.objects.open().filter(pk=assignment.pk, annotator=annotator).update(**changes):
        raise LeaseOver("This task went back to the queue. Take the next one.")


@transaction.atomic
def skip(*, assignment: Assignment, annotator: Annotator, reason: str) -> None:
    """Close it as skipped, with the reason, and free its slot for others. Raises LeaseOver, BadRequest."""
    if not reason.strip():
        raise BadRequest("Say in a few words why you skip this task.")
    _close(assignment, annotator, Status.SKIPPED, reason.strip())


@transaction.atomic
def release(*, assignment: Assignment, annotator: Annotator) -> None:
    """Close it as handed back and free its slot for everybody. Raises LeaseOver."""
    _close(assignment, annotator, Status.RELEASED, "")


def _close(assignment: Assignment, annotator: Annotator, status: str, reason: str) -> None:
    held = Assignment.objects.open().filter(pk=assignment.pk, annotator=annotator)
    if not held.update(status=status, closed_at=Now(), reason=reason):
        raise LeaseOver("This task is not in your hands any more. Take the next one.")
    Slot.objects.filter(task=assignment.task_id, annotator=annotator).update(annotator=None)


@transaction.atomic
def expire(*, project: Project | None = None) -> int:
    """Free the slots of leases that have ended, of one project or all; returns how many.

    SKIP LOCKED: a lease that is being renewed or submitted at this moment is not overdue.
    """
    overdue = Assignment.objects.overdue().select_for_update(skip_locked=True)
    if project is not None:
        overdue = overdue.filter(project=project)
    ended = list(overdue.only("pk", "task_id", "annotator_id"))
    for assignment in ended:
        Slot.objects.filter(task=assignment.task_id, annotator=assignment.annotator_id).update(annotator=None)
    Assignment.objects.filter(pk__in=[a.pk for a in ended]).update(status=Status.EXPIRED, closed_at=Now())
    return len(ended)
