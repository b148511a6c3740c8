"""Which task an annotator gets next, and how a lease ends.

claim     a free slot of the most wanted task, under FOR UPDATE SKIP LOCKED
answer_and_claim   an answer and the claim after it in one transaction, for a page that goes on
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
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now

from annotation import locks, rows
from annotation.checking import control, standing
from annotation.collecting import bookmarks, holding
from annotation.collecting.bookmarks import LEASED, Lease
from annotation.errors import BadRequest, ClaimsPaused, LeaseOver
from annotation.models import (
    Annotator,
    Assignment,
    Bookmark,
    Demonstration,
    Project,
    Prompt,
    Ranking,
    Rating,
    Slot,
    Task,
    TaskCompletion,
)
from annotation.preferences.tiers import MOST_COMPLETIONS
from annotation.rows import Rows
from runs.writing import write

Status = Assignment.Status
# The lease is renewed while the annotator works, so a draft may be saved every few seconds.
MOST_DRAFT_CHARACTERS = 64_000


@write
def claim(
    *,
    annotator: Annotator,
    shuffle: random.Random | None = None,
    kinds: Collection[str] = Task.Kind.values,
) -> Assignment | None:
    """The annotator's open assignment with a lease that starts anew, or a new one, or None where nothing is left.

    Its annotator comes with project and bookmark as they are now.

    Locks the annotator's row first: two tabs of one person get the same assignment. The slot is taken
    under SKIP LOCKED, so annotators never wait for each other and a task is never held by more than N.
    What was held ahead comes first, and what is in hand stays there though they are paused. Now and then it is a gold
    task or a repeat, which has no slot (annotation.checking.control). ``shuffle`` orders what is shown; None uses the
    system's randomness. What is new is of these ``kinds``. Raises ClaimsPaused.
    """
    annotator = _locked(annotator)
    return _in_hand(annotator, _in_hand_and_ahead(annotator)) or _next(
        annotator, shuffle or random.SystemRandom(), kinds
    )


@write
def answer_and_claim(answer: Callable[[], Ranking | Rating | Demonstration]) -> "Next":
    """Store an answer and claim the task after it, in one transaction: both or neither.

    What is claimed is what comes by itself. Where nothing does, tasks may still come back from others (``claim``): that
    waits for locks of theirs, which nobody may who has judged in the same transaction (annotation.locks).
    ``answer`` stores it by ``submit.inside`` of its kind, with the assignment that ``holding.hold`` locked. Raises what
    that raises.
    """
    answered = cast("Assignment", answer().assignment)
    # Who had nothing but this in hand has nothing now. What was answered ahead of its turn, after its lease or before
    # says nothing of what else there is.
    alone = answered.status == Status.OPEN and not answered.ahead and answered.others_open is False
    annotator = answered.annotator
    try:
        first = _in_hand(annotator, [] if alone else _in_hand_and_ahead(annotator))
        return Next(first or _first_free(annotator, random.SystemRandom()), answered)
    except ClaimsPaused as paused:
        return Next(None, answered, paused)


class Next(NamedTuple):
    """The task after ``answered``, None where none is free at once; or why there is none for now."""

    assignment: Assignment | None
    answered: Assignment
    paused: ClaimsPaused | None = None


def _in_hand(annotator: Annotator, in_hand_and_ahead: Sequence[Assignment]) -> Assignment | None:
    """Of an annotator whose row is locked, what they hold already, in hand from now on. Raises ClaimsPaused."""
    first = next(iter(in_hand_and_ahead), None)
    if first is not None and not first.ahead and _begin(first):
        return first
    standing.refuse_paused(annotator)
    if first is not None and first.ahead and _begin(first):
        return first
    return None


def _locked(annotator: Annotator) -> Annotator:
    """The annotator's row, locked, with the project and the bookmark as they are now. Raises Busy, BadRequest."""
    with locks.refusing():
        locked = _LOCKED.one(id=annotator.pk, patience=locks.PATIENCE)
    locks.refuse_withdrawn(locked.withdrawn_at)
    return locked


def _in_hand_and_ahead(annotator: Annotator) -> list[Assignment]:
    """What is in hand, and after it what is held ahead, with task and prompt."""
    assignments = _HOLDINGS.all(annotator=annotator.pk, project=annotator.project_id)
    for assignment in assignments:
        assignment.annotator, assignment.project = annotator, annotator.project
    return assignments


_LOCKED = Rows(
    Annotator,
    """
    WITH briefly AS MATERIALIZED (SELECT set_config('lock_timeout', %(patience)s, true))
    SELECT [annotator], [project], [bookmark] FROM briefly, annotation_annotator annotator
    JOIN annotation_project project ON project.id = annotator.project_id
    LEFT JOIN annotation_bookmark bookmark ON bookmark.annotator_id = annotator.id
    WHERE annotator.id = %(id)s FOR NO KEY UPDATE OF annotator
    """,
    project=Project,
    bookmark=Bookmark,
)
_HOLDINGS = Rows(
    Assignment,
    """
    SELECT [assignment], [task], [prompt], [texts] FROM annotation_assignment assignment
    JOIN annotation_task task ON task.id = assignment.task_id
    JOIN annotation_prompt prompt ON prompt.id = task.prompt_id
    WHERE assignment.project_id = %(project)s AND assignment.annotator_id = %(annotator)s AND assignment.status = 'open'
    ORDER BY assignment.ahead
    """,
    task=Task,
    task__prompt=Prompt,
    known={"task__texts": bookmarks.TEXTS},
)
_LEASED = bookmarks.leased(
    f"WITH taken AS (SELECT %(task)s::bigint AS task_id, '{Assignment.Choice.PRIORITY}' AS chosen), {LEASED}"
)
_BEGIN = """
    UPDATE annotation_assignment
    SET ahead = false, expires_at = statement_timestamp() + make_interval(secs => %(lease_seconds)s)
    WHERE id = %(id)s AND status = 'open' RETURNING expires_at
"""


def _next(annotator: Annotator, rng: random.Random, kinds: Collection[str]) -> Assignment | None:
    # Only who would go without ends leases that are over, which waits for locks, and takes what others hold ahead.
    taken = _first_free(annotator, rng, kinds)
    if taken is None and expire(project=annotator.project):
        taken = bookmarks.take(annotator, _lease(rng), kinds)
    return taken or _held_ahead_by_others(annotator, _lease(rng), kinds)


def _first_free(
    annotator: Annotator, rng: random.Random, kinds: Collection[str] = Task.Kind.values
) -> Assignment | None:
    """What waits for nobody: a check where one is due, else a free slot."""
    return _check_due(annotator, rng) or bookmarks.take(annotator, _lease(rng), kinds)


def _lease(rng: random.Random, *, ahead: bool = False) -> Lease:
    """What is shown is in an order of ``rng``."""
    return Lease(ahead, [rng.random() for _ in range(MOST_COMPLETIONS)])


def _leased(task_id: int, annotator: Annotator, lease: Lease) -> Assignment:
    """A task that no slot led to, or one whose slot the annotator has already."""
    assignment = _LEASED.one(task=task_id, **lease.values(annotator))
    assignment.project, assignment.annotator = annotator.project, annotator
    return assignment


def _check_due(annotator: Annotator, rng: random.Random, *, ahead: bool = False) -> Assignment | None:
    """A gold task or a repeat, where a draw says so."""
    check = control.due(annotator=annotator, waiting=lambda: bookmarks.tasks_left(annotator, 1) > 0, rng=rng)
    if check is None:
        return None
    order = control.order_of(check, rng)
    return _leased(
        check.task_id, annotator, Lease(ahead, [order.index(place) for place in range(len(order))])
    )


@write
def reserve(*, annotator: Annotator, shuffle: random.Random | None = None) -> Assignment | None:
    """The annotator's next assignment, held ahead of the open one; None where they have no open one or none is free.

    Whoever is paused gets none. Locks the annotator's row, as a claim does.
    """
    annotator = _locked(annotator)
    assignments = _in_hand_and_ahead(annotator)
    ahead = next((assignment for assignment in assignments if assignment.ahead), None)
    if not assignments or annotator.standing == Annotator.Standing.PAUSED:
        return None
    if ahead is not None:
        return ahead
    rng = shuffle or random.SystemRandom()
    due = _check_due(annotator, rng, ahead=True)
    if due is not None:
        return due
    return bookmarks.take(annotator, _lease(rng, ahead=True))


def _begin(assignment: Assignment) -> bool:
    """It is in hand, with a lease that starts anew, however little of it was left.

    False where it was swept, or taken for somebody else, at this moment. What was held ahead stays opened when it was:
    without a connection it may have been judged before the server hears that it began.
    """
    lease_seconds = assignment.annotator.project.lease_seconds
    expires_at = next(rows.column(_BEGIN, id=assignment.pk, lease_seconds=lease_seconds), None)
    if expires_at is None:
        return False
    assignment.ahead, assignment.expires_at = False, expires_at
    return True


def _held_ahead_by_others(annotator: Annotator, lease: Lease, kinds: Collection[str]) -> Assignment | None:
    """A slot whose holder has not begun with it, theirs from now on; the holder's lease on it has ended."""
    spare = Assignment.objects.open().filter(project=annotator.project_id, ahead=True, draft={})
    slots = _claimable_slots(annotator).filter(
        Exists(spare.filter(task=OuterRef("task"), annotator=OuterRef("annotator")))
    )
    slot = (
        slots.filter(task__kind__in=kinds)
        .exclude(annotator=annotator)
        .select_for_update(skip_locked=True, of=("self",), no_key=True)
        .first()
    )
    if slot is None:
        return None
    # Its holder may begin with it, or keep a draft of it, at this moment. SKIP LOCKED: who closes an assignment
    # locks it before its slot, and two who wait for each other would never end.
    theirs = spare.filter(task=slot.task_id, annotator=slot.annotator_id)
    assignment = theirs.select_for_update(skip_locked=True, no_key=True).first()
    if assignment is None:
        return None
    Assignment.objects.filter(pk=assignment.pk).update(status=Status.EXPIRED, closed_at=Now())
    slot.annotator = annotator
    slot.save(update_fields=["annotator"])
    return _leased(slot.task_id, annotator, lease)


def _lease_end(annotator: Annotator) -> CombinedExpression:
    return Now() + timedelta(seconds=annotator.project.lease_seconds)


def _claimable_slots(annotator: Annotator) -> QuerySet[Slot]:
    """Slots, whoever holds them, of tasks that this annotator never had, skipped or wrote for."""
    seen = Assignment.objects.filter(
        task=OuterRef("task"), annotator=annotator, status__in=Assignment.HOLDING
    )
    # Nobody ranks their own text.
    written = TaskCompletion.objects.filter(task=OuterRef("task"), completion__source__annotator=annotator)
    return Slot.objects.filter(~Exists(seen), ~Exists(written), project=annotator.project_id)


@dataclass(frozen=True)
class Origin:
    """Where a draft comes from: one of several browsers that may be open at the same task."""

    browser: str
    # Since it was changed; where it was not ``changed``, since the page that shows it was loaded.
    age: timedelta
    changed: bool
    # When the draft that the page began with was changed; None where it began with none.
    seen: datetime | None = None

    def replaces_another(self, assignment: Assignment) -> bool:
        """Whether a draft from here takes the place of one of another browser that its page has never shown."""
        at, by = assignment.drafted_at, assignment.drafted_by
        if not self.changed or at is None or by in ("", self.browser):
            return False
        return self.seen is None or at > self.seen


@write
def renew(
    *,
    assignment: Assignment,
    annotator: Annotator,
    draft: dict[str, Any] | None = None,
    origin: Origin | None = None,
) -> bool:
    """Start the lease anew, and keep a draft; False where another browser's stays because it was changed later.

    A draft without an ``origin`` takes the place of any. What is held ahead stays as long: it comes next, however long
    this one takes. Locks the annotator's row. Raises LeaseOver where the lease has ended, BadRequest for a huge draft.
    """
    locks.annotator(annotator)
    open_row = Assignment.objects.open().filter(pk=assignment.pk, annotator=annotator)
    lease: dict[str, Any] = {"expires_at": _lease_end(annotator)}
    kept = bool(_where_newest(open_row, origin).update(**lease, **_drafted(draft, origin)))
    # A page whose draft is the older one is at work all the same: its lease goes on without the draft.
    if not kept and not open_row.update(**lease):
        raise LeaseOver(_where_it_went(assignment))
    Assignment.objects.open().filter(annotator=annotator, ahead=True).update(**lease)
    return kept


def _where_it_went(assignment: Assignment) -> str:
    if holding.is_withdrawn(assignment):
        return holding.WITHDRAWN
    if Assignment.objects.filter(pk=assignment.pk, status=Status.SUBMITTED).exists():
        return "You have judged this task already, maybe in another tab. Take the next one."
    return "This task went back to the queue. Take the next one."


def _where_newest(open_row: "QuerySet[Assignment]", origin: Origin | None) -> "QuerySet[Assignment]":
    """The assignment, unless another browser changed its draft after ``origin`` did, or after it was loaded there."""
    if origin is None:
        return open_row
    return open_row.exclude(~Q(drafted_by=origin.browser), drafted_at__gt=Now() - origin.age)


def _drafted(draft: dict[str, Any] | None, origin: Origin | None) -> dict[str, Any]:
    if draft is None:
        return {}
    if len(str(draft)) > MOST_DRAFT_CHARACTERS:
        raise BadRequest("The draft is too large to keep.")
    if origin is None:
        return {"draft": draft, "drafted_at": Now(), "drafted_by": ""}
    if not origin.changed:  # the seconds at it alone
        return {"draft": draft}
    return {"draft": draft, "drafted_at": Now() - origin.age, "drafted_by": origin.browser}


@write
def skip(*, assignment: Assignment, annotator: Annotator, reason: str) -> None:
    """Close it as skipped, with the reason, and free its slot for others. Locks the annotator's row.

    Raises LeaseOver, BadRequest.
    """
    if not reason.strip():
        raise BadRequest("Say in a few words why you skip this task.")
    locks.annotator(annotator)
    _close(assignment, annotator, Status.SKIPPED, reason.strip())


@write
def release(*, assignment: Assignment, annotator: Annotator) -> None:
    """Close it as handed back, with what is held ahead, and free their slots for everybody. Locks the annotator's row.

    Raises LeaseOver.
    """
    locks.annotator(annotator)
    _close(assignment, annotator, Status.RELEASED, "")
    for ahead in Assignment.objects.open().filter(annotator=annotator, ahead=True):
        _close(ahead, annotator, Status.RELEASED, "")


def _close(assignment: Assignment, annotator: Annotator, status: str, reason: str) -> None:
    open_row = Assignment.objects.open().filter(pk=assignment.pk, annotator=annotator)
    if not open_row.update(status=status, closed_at=Now(), reason=reason):
        raise LeaseOver("This task is not in your hands any more. Take the next one.")
    Slot.objects.filter(task=assignment.task_id, annotator=annotator).set_free()


@write
def expire(*, project: Project | None = None) -> int:
    """Free the slots of leases that have ended, of one project or all; returns how many.

    SKIP LOCKED: a lease that is being renewed or submitted at this moment is not overdue.
    """
    overdue = Assignment.objects.overdue().select_for_update(skip_locked=True, no_key=True)
    if project is not None:
        overdue = overdue.filter(project=project)
    return holding.hand_back(list(overdue.only("pk", "task_id", "annotator_id")), Status.EXPIRED)
