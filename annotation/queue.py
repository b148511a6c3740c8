"""Which task an annotator gets next, and how a lease ends.

claim     a free slot of the most wanted task, under FOR UPDATE SKIP LOCKED
reserve   one more, ahead: the browser has the next task before this one is submitted
renew     the lease goes on while the annotator works
skip      not this one: the slot is free for others, never again for this annotator
release   not now: free for everybody, this annotator included
expire    the sweep: what a lease's end makes free

A task held ahead is a lease like any other (so nobody else can be given what a browser already shows, and it can
be judged without a connection), with one difference: while nothing is drafted on it, it is taken from its holder
for an annotator who would go without. So fetching ahead never leaves anybody idle.
"""

import random
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.expressions import CombinedExpression
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
    What was held ahead comes first, and what is in hand stays there though they are paused. Now and then it is a gold
    task or a repeat, which has no slot (annotation.control). ``shuffle`` orders what is shown; None uses the system's
    randomness. Raises ClaimsPaused.
    """
    annotator.refresh_from_db(fields=["standing"], from_queryset=Annotator.objects.select_for_update())
    held = Assignment.objects.open().filter(annotator=annotator).select_related("task__prompt")
    first = held.order_by("ahead").first()
    if first is not None and not first.ahead:
        return first
    standing.refuse_paused(annotator)
    if first is not None and _begin(first):
        return first
    rng = shuffle or random.SystemRandom()
    return _check_due(annotator, rng) or _next(annotator, rng)


def _next(annotator: Annotator, rng: random.Random) -> Assignment | None:
    slot = _free_slot(annotator) or (_free_slot(annotator) if expire(project=annotator.project) else None)
    slot = slot or _held_ahead_by_others(annotator)
    return _lease(slot, annotator, rng) if slot else None


def _check_due(annotator: Annotator, rng: random.Random, *, ahead: bool = False) -> Assignment | None:
    """A gold task or a repeat, where a draw says so."""
    check = control.due(annotator=annotator, waiting=claimable(annotator), rng=rng)
    if check is None:
        return None
    return _assign(annotator, check.task_id, control.order_of(check, rng), ahead=ahead)


@transaction.atomic
def reserve(*, annotator: Annotator, shuffle: random.Random | None = None) -> Assignment | None:
    """The annotator's next assignment, held ahead of the open one; None where they have no open one or none is free.

    Whoever is paused gets none. Locks the annotator's row, as a claim does.
    """
    annotator.refresh_from_db(fields=["standing"], from_queryset=Annotator.objects.select_for_update())
    held = list(Assignment.objects.open().filter(annotator=annotator).select_related("task__prompt"))
    ahead = next((assignment for assignment in held if assignment.ahead), None)
    if not held or annotator.standing == Annotator.Standing.PAUSED:
        return None
    if ahead is not None:
        return ahead
    rng = shuffle or random.SystemRandom()
    due = _check_due(annotator, rng, ahead=True)
    if due is not None:
        return due
    slot = _free_slot(annotator)
    return _lease(slot, annotator, rng, ahead=True) if slot else None


def _begin(assignment: Assignment) -> bool:
    """What was held ahead is in hand now; False where it was taken for somebody else at this moment.

    It stays opened when it was: without a connection it may have been judged before the server hears that it began.
    """
    began = {"ahead": False, "expires_at": _lease_end(assignment.annotator)}
    changed = Assignment.objects.open().filter(pk=assignment.pk).update(**began)
    assignment.refresh_from_db(fields=["ahead", "expires_at", "status"])
    return bool(changed)


def _held_ahead_by_others(annotator: Annotator) -> Slot | None:
    """A slot whose holder has not begun with it, free now; the holder's lease on it has ended."""
    spare = Assignment.objects.open().filter(project=annotator.project_id, ahead=True, draft={})
    slots = _claimable_slots(annotator).filter(
        Exists(spare.filter(task=OuterRef("task"), annotator=OuterRef("annotator")))
    )
    slot = slots.exclude(annotator=annotator).select_for_update(skip_locked=True, of=("self",)).first()
    if slot is None:
        return None
    # Its holder may begin with it, or keep a draft of it, at this moment. SKIP LOCKED: who closes an assignment
    # locks it before its slot, and two who wait for each other would never end.
    theirs = spare.filter(task=slot.task_id, annotator=slot.annotator_id).select_for_update(skip_locked=True)
    held = theirs.first()
    if held is None:
        return None
    Assignment.objects.filter(pk=held.pk).update(status=Status.EXPIRED, closed_at=Now())
    return slot


def _lease_end(annotator: Annotator) -> CombinedExpression:
    return Now() + timedelta(seconds=annotator.project.lease_seconds)


def _lease(slot: Slot, annotator: Annotator, rng: random.Random, *, ahead: bool = False) -> Assignment:
    slot.annotator = annotator
    slot.save(update_fields=["annotator"])
    places = list(range(TaskCompletion.objects.filter(task=slot.task_id).count()))
    rng.shuffle(places)
    return _assign(annotator, slot.task_id, places, ahead=ahead)


def _assign(annotator: Annotator, task_id: int, order: list[int], *, ahead: bool = False) -> Assignment:
    return Assignment.objects.create(
        task_id=task_id,
        project_id=annotator.project_id,
        annotator=annotator,
        expires_at=_lease_end(annotator),
        order_shown=order,
        ahead=ahead,
    )


def claimable(annotator: Annotator) -> QuerySet[Slot]:
    """Free slots that this annotator may take: of tasks they never had, skipped or wrote for."""
    return _claimable_slots(annotator).filter(annotator=None)


def _claimable_slots(annotator: Annotator) -> QuerySet[Slot]:
    """The same, whoever holds them."""
    seen = Assignment.objects.filter(
        task=OuterRef("task"), annotator=annotator, status__in=Assignment.HOLDING
    )
    # Nobody ranks their own text.
    own = TaskCompletion.objects.filter(task=OuterRef("task"), completion__source__annotator=annotator)
    return Slot.objects.filter(~Exists(seen), ~Exists(own), project=annotator.project_id)


def _free_slot(annotator: Annotator) -> Slot | None:
    return (
        claimable(annotator)
        .select_for_update(skip_locked=True, of=("self",))
        .order_by("-priority", "task", "number")
        .first()
    )


@transaction.atomic
def renew(*, assignment: Assignment, annotator: Annotator, draft: dict[str, Any] | None = None) -> None:
    """Start the lease anew, and keep a draft. Raises LeaseOver where it has ended, BadRequest for a huge draft.

    What is held ahead stays as long: it comes next, however long this one takes.
    """
    changes: dict[str, Any] = {"expires_at": _lease_end(annotator)}
    if draft is not None:
        if len(str(draft)) > MOST_DRAFT_BYTES:
            raise BadRequest("The draft is too large to keep.")
        changes["draft"] = draft
    if not Assignment.objects.open().filter(pk=assignment.pk, annotator=annotator).update(**changes):
        raise LeaseOver("This task went back to the queue. Take the next one.")
    Assignment.objects.open().filter(annotator=annotator, ahead=True).update(expires_at=_lease_end(annotator))


@transaction.atomic
def skip(*, assignment: Assignment, annotator: Annotator, reason: str) -> None:
    """Close it as skipped, with the reason, and free its slot for others. Raises LeaseOver, BadRequest."""
    if not reason.strip():
        raise BadRequest("Say in a few words why you skip this task.")
    _close(assignment, annotator, Status.SKIPPED, reason.strip())


@transaction.atomic
def release(*, assignment: Assignment, annotator: Annotator) -> None:
    """Close it as handed back, with what is held ahead, and free their slots for everybody. Raises LeaseOver."""
    _close(assignment, annotator, Status.RELEASED, "")
    for ahead in Assignment.objects.open().filter(annotator=annotator, ahead=True):
        _close(ahead, annotator, Status.RELEASED, "")


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
