"""Slots of tasks, and who holds them: an annotator who has judged a task holds one of its slots.

A task that comes in judged has no slots, so nobody is asked for it. A task that is imported to be ranked has
N, and a judgement that is imported for it takes a free one, with the assignment that tells the queue so. Judgements
beyond N have slots of their own, made when they come.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db.models import Max, Q

from annotation import locks
from annotation.files.intake.copying import copy_rows, take_ids
from annotation.files.intake.desk import Desk
from annotation.models import Assignment, Ranking, Slot, Task


class Opening(NamedTuple):
    """A task that is to be ranked, by ``slots`` annotators where its line says a number."""

    task_id: int
    is_new: bool
    priority: int
    slots: int | None


def open_slots(desk: Desk, openings: Sequence[Opening]) -> None:
    """Make the slots of tasks that have none, and give them to whoever has judged the task already."""
    old = [opening.task_id for opening in openings if not opening.is_new]
    slotted = (
        set(Slot.objects.filter(task__id__among=old).values_list("task_id", flat=True)) if old else set()
    )
    if old:  # gold tasks and repeats have none on purpose, nor have tasks with a text that was withdrawn
        withdrawn = Q(entries__completion__source__annotator__withdrawn_at__isnull=False)
        others = Task.objects.filter(~Q(purpose=Task.Purpose.COLLECT) | withdrawn, pk__among=old)
        slotted |= set(others.values_list("pk", flat=True))
    to_open = [opening for opening in openings if opening.task_id not in slotted]
    default = desk.project.annotators_per_task
    rows = [
        (desk.project.pk, opening.priority, opening.task_id, number)
        for opening in to_open
        for number in range(default if opening.slots is None else opening.slots)
    ]
    copy_rows(Slot, ("project", "priority", "task", "number"), rows)
    desk.added_slots((priority, task_id) for _, priority, task_id, _ in rows)
    _keep_numbers(to_open)
    fill(desk, [opening.task_id for opening in to_open if not opening.is_new])


def _keep_numbers(openings: Sequence[Opening]) -> None:
    """Of tasks that were there; a new one is written with its number."""
    by_number: dict[int, list[int]] = defaultdict(list)
    for opening in openings:
        if not opening.is_new and opening.slots is not None:
            by_number[opening.slots].append(opening.task_id)
    for number, task_ids in by_number.items():
        Task.objects.filter(pk__in=task_ids).update(annotators=number)


def fill(desk: Desk, task_ids: Iterable[int]) -> None:
    """Give a slot of these tasks to each annotator who has ranked them and holds none: a free one, else one more.

    Tasks that came in judged have no slots, and stay so. Locks these annotators, so that none of them is given the
    same task at this moment, and the free slots.
    """
    filled = list(task_ids)
    if not filled:
        return
    slotted = set(Slot.objects.filter(task__id__among=filled).values_list("task_id", flat=True))
    locks.annotators(ranking.annotator_id for ranking in _without_slot(slotted))
    waiting = _without_slot(slotted)
    if not waiting:
        return
    free: dict[int, list[Slot]] = defaultdict(list)
    rows = Slot.objects.filter(task__id__among=[ranking.task_id for ranking in waiting], annotator=None)
    for slot in rows.order_by("task", "number").select_for_update(
        skip_locked=True, of=("self",), no_key=True
    ):
        free[slot.task_id].append(slot)
    taken, without = [], []
    for ranking in waiting:
        if free[ranking.task_id]:
            slot = free[ranking.task_id].pop(0)
            slot.annotator_id = ranking.annotator_id
            taken.append(slot)
        else:
            without.append(ranking)
    Slot.objects.bulk_update(taken, ["annotator"], batch_size=500)
    _add_held(desk, without)
    _close_assignments(desk, waiting)


def _add_held(desk: Desk, rankings: Sequence[Ranking]) -> None:
    """A slot more for whoever made each of these: nobody is asked for it, and nobody has judged beside the slots."""
    tasks = Task.objects.filter(pk__in={ranking.task_id for ranking in rankings})
    numbers = dict(tasks.annotate(next=Max("slots__number") + 1).values_list("pk", "next"))
    slots = []
    for ranking in rankings:
        task, number = ranking.task, numbers[ranking.task_id]
        numbers[task.pk] += 1
        slots.append(
            Slot(
                project=desk.project,
                priority=task.priority,
                task=task,
                number=number,
                annotator_id=ranking.annotator_id,
            )
        )
    Slot.objects.bulk_create(slots, batch_size=500)


def _without_slot(task_ids: Iterable[int]) -> list[Ranking]:
    slotted = set(
        Slot.objects.filter(task__id__among=task_ids, annotator__isnull=False).values_list(
            "task_id", "annotator_id"
        )
    )
    rankings = (
        Ranking.objects.current().filter(task__id__among=task_ids).select_related("task").order_by("id")
    )
    return [ranking for ranking in rankings if (ranking.task_id, ranking.annotator_id) not in slotted]


def _close_assignments(desk: Desk, rankings: Sequence[Ranking]) -> None:
    """The submitted assignment of each ranking: the queue asks nobody for a task twice.

    Who had skipped the task, and is said to have ranked it, has ranked it.
    """
    fresh = [ranking for ranking in rankings if ranking.assignment_id is None]
    skipped = _skipped(fresh)
    ids = iter(take_ids(Assignment, len(fresh) - len(skipped)))
    assignments = []
    for ranking in fresh:
        known = skipped.get((ranking.task_id, ranking.annotator_id))
        ranking.assignment_id = next(ids) if known is None else known
        if known is None:
            assignments.append(_submitted(desk, ranking))
    Assignment.objects.bulk_create(assignments, batch_size=500)
    Assignment.objects.filter(pk__in=skipped.values()).update(status=Assignment.Status.SUBMITTED, reason="")
    Ranking.objects.bulk_update(fresh, ["assignment"], batch_size=500)


def _skipped(rankings: Sequence[Ranking]) -> dict[tuple[int, int], int]:
    """Assignments that these annotators skipped, by task and annotator; whoever has a task open holds a slot."""
    rows = Assignment.objects.filter(
        task__id__among=[ranking.task_id for ranking in rankings], status=Assignment.Status.SKIPPED
    )
    ranked = {(ranking.task_id, ranking.annotator_id) for ranking in rankings}
    assignments = {
        (task, annotator): pk for pk, task, annotator in rows.values_list("pk", "task_id", "annotator_id")
    }
    return {who: pk for who, pk in assignments.items() if who in ranked}


def _submitted(desk: Desk, ranking: Ranking) -> Assignment:
    return Assignment(
        pk=ranking.assignment_id,
        task_id=ranking.task_id,
        project=desk.project,
        annotator_id=ranking.annotator_id,
        status=Assignment.Status.SUBMITTED,
        opened_at=ranking.created_at,
        expires_at=ranking.created_at,
        closed_at=ranking.created_at,
        order_shown=ranking.order_shown or list(range(ranking.task.entries.count())),
    )
