"""Gold tasks and repeats: tasks that measure whoever ranks them, and look like any other.

configure     how often a project checks, and what it asks for
mark_gold     a task that somebody ranked becomes gold: that ranking's order is the expert's
unmark_gold   and back
due           the check that an annotator gets instead of the next task, if one falls due

A draw decides at each claim, with chance 1 in ``gold_every`` (or ``repeat_every``), so that no count of tasks tells
when the next one comes; and only while another task waits, so that "left" on the page never tells either. A check
has no slots: any number of annotators may get it, each once, which assignment_once_a_task holds. A repeat is a task
of its own that points at the first, so that ranking_one_current holds for both; one row serves all annotators.
"""

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypedDict, Unpack
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q

from annotation import locks
from annotation.collecting import holding
from annotation.errors import BadRequest
from annotation.files.intake.desk import close_desk, open_desk
from annotation.files.intake.slots import Opening, open_slots
from annotation.models import Annotator, Assignment, Project, Ranking, Slot, Task, TaskCompletion
from annotation.models.task import TaskQuerySet
from annotation.quality import upkeep
from runs.writing import write

Purpose = Task.Purpose
# Of how many candidates one is drawn; more would be read for nothing.
MOST_CANDIDATES = 200


class ControlSettings(TypedDict, total=False):
    """What a project checks, and what it asks for; the fields of Project say what each means."""

    gold_every: int
    repeat_every: int
    least_checks: int
    least_gold_score: float | None
    least_consistency: float | None
    most_position_bias: float | None
    pauses: bool
    adjudicate_below: float | None
    adjudicated_wins: bool


class Check(NamedTuple):
    """A gold task or a repeat that falls due. ``seen`` is the order in which the annotator saw the first of it."""

    task_id: int
    seen: Sequence[int] | None = None


def due(*, annotator: Annotator, waiting: Callable[[], bool], rng: random.Random) -> Check | None:
    """The check that takes the place of the next task, if a draw says so and there is one.

    ``waiting`` tells whether there is a next task; it is asked only then.
    """
    project = annotator.project
    gold, repeat = _drawn(project.gold_every, rng), _drawn(project.repeat_every, rng)
    if not (gold or repeat) or not waiting():
        return None
    return (_gold(annotator, rng) if gold else None) or (_repeat(annotator, rng) if repeat else None)


def order_of(check: Check, rng: random.Random) -> list[int]:
    """A random order for the check, another than the one seen before."""
    places = list(range(TaskCompletion.objects.filter(task=check.task_id).count()))
    rng.shuffle(places)
    while check.seen is not None and places == list(check.seen):
        rng.shuffle(places)
    return places


def _drawn(every: int, rng: random.Random) -> bool:
    return every > 0 and rng.random() * every < 1


def _gold(annotator: Annotator, rng: random.Random) -> Check | None:
    """A gold task that they never had, ranked or wrote for."""
    of_task = {"task": OuterRef("pk")}
    seen = Assignment.objects.filter(**of_task, annotator=annotator, status__in=Assignment.HOLDING)
    ranked = Ranking.objects.current().filter(**of_task, annotator=annotator)
    written = TaskCompletion.objects.filter(**of_task, completion__source__annotator=annotator)
    rows = Task.objects.gold().filter(
        ~Exists(seen), ~Exists(ranked), ~Exists(written), project=annotator.project_id
    )
    ids = list(rows.order_by("pk").values_list("pk", flat=True)[:MOST_CANDIDATES])
    return Check(rng.choice(ids)) if ids else None


def _repeat(annotator: Annotator, rng: random.Random) -> Check | None:
    """A repeat of one of the newest tasks that they ranked here at least ``repeat_every`` rankings ago."""
    rankings = Ranking.objects.current().filter(annotator=annotator)
    newer = annotator.project.repeat_every
    edge = list(rankings.order_by("-pk").values_list("pk", flat=True)[newer - 1 : newer])
    repeated = Assignment.objects.filter(
        task__repeats=OuterRef("task"), annotator=annotator, status__in=Assignment.HOLDING
    )
    firsts = list(
        rankings.collected()
        .filter(~Exists(repeated), pk__lt=edge[0] if edge else 0)
        .filter(verdict=Ranking.Verdict.RANKED, order_shown__isnull=False, import_key=None)
        .order_by("-pk")
        .values_list("task_id", "order_shown")[:MOST_CANDIDATES]
    )
    if not firsts:
        return None
    task_id, seen = rng.choice(firsts)
    return Check(asked_again(task_id=task_id, purpose=Purpose.REPEAT).pk, seen)


def asked_again(*, task_id: int, purpose: str) -> Task:
    """The task that asks ``task_id`` again for ``purpose``, made where there is none. Two at once make one."""
    first = Task.objects.get(pk=task_id)
    task, created = Task.objects.get_or_create(
        repeats=first,
        purpose=purpose,
        defaults={
            "project_id": first.project_id,
            "prompt_id": first.prompt_id,
            "key": f"{purpose}:{first.public_id}",
        },
    )
    if created:
        entries = TaskCompletion.objects.filter(task=first)
        TaskCompletion.objects.bulk_create(
            TaskCompletion(task=task, completion_id=entry.completion_id, position=entry.position)
            for entry in entries
        )
    return task


@write
def configure(*, project: Project, **settings: Unpack[ControlSettings]) -> None:
    """Change the project's quality control. Raises BadRequest where a setting is not what it may be."""
    for name, value in settings.items():
        setattr(project, name, value)
    try:
        project.clean_fields(exclude={field.name for field in project._meta.fields} - settings.keys())
    except ValidationError as error:
        project.refresh_from_db()
        problems = [f"{field}: {' '.join(texts)}" for field, texts in error.message_dict.items()]
        raise BadRequest(" ".join(problems)) from error
    project.save(update_fields=list(settings))


@write
def mark_gold(
    *, project: Project, tasks: Sequence[str] = (), from_annotator: str | None = None
) -> list[Task]:
    """Make tasks gold, by a ranking of each as the expert's order: that of ``from_annotator``, else the only one.

    ``tasks`` are public ids or keys; without them, all that ``from_annotator`` put in an order. A gold task gives up
    its slots, and its rankings leave snapshots, exports and agreement. Locks the project's desk, the slots and the
    tasks. Raises BadRequest.
    """
    if not tasks and not from_annotator:
        raise BadRequest("Name the tasks, or whose rankings make gold.")
    if from_annotator and not project.annotators.filter(pseudonym=from_annotator).exists():
        raise BadRequest(f"{project.slug} has no annotator {from_annotator!r}.")
    locks.desk(project)
    expert = Ranking.objects.current().filter(project=project, verdict=Ranking.Verdict.RANKED)
    if from_annotator:
        expert = expert.filter(annotator__pseudonym=from_annotator)
    rows = Task.objects.collected().filter(project=project, pk__in=expert.values("task"))
    if tasks:
        rows = _named(project, tasks)
    slots = locks.rows(Slot.objects.filter(task__in=rows))
    locked = locks.rows(rows)
    orders: dict[int, list[list[int]]] = {task.pk: [] for task in locked}
    for task_id, tiers in expert.filter(task__in=locked).values_list("task", "tiers"):
        orders[task_id].append(tiers)
    if not tasks:  # of all that somebody ranked, those that say something
        locked = [task for task in locked if any(len(set(tiers)) > 1 for tiers in orders[task.pk])]
    for task in locked:
        task.purpose, task.gold_tiers = Purpose.GOLD, _expert_order(task, orders[task.pk])
    Task.objects.bulk_update(locked, ["purpose", "gold_tiers"], batch_size=500)
    upkeep.changed(project_id=project.pk, task_ids=[task.pk for task in locked])
    gold = {task.pk for task in locked}
    Slot.objects.filter(pk__in=[slot.pk for slot in slots if slot.task_id in gold]).delete()
    return locked


def _named(project: Project, names: Sequence[str]) -> TaskQuerySet:
    """The tasks of these public ids or keys. Raises BadRequest where one is none, or not one to collect."""
    rows = Task.objects.filter(
        Q(public_id__in=[name for name in names if _is_id(name)]) | Q(key__in=names), project=project
    )
    known_names = {name for task in rows for name in (str(task.public_id), task.key)}
    missing = [name for name in names if name not in known_names]
    if missing:
        raise BadRequest(f"{project.slug} has no task {', '.join(missing)}: give public ids or keys.")
    other = [str(task.public_id) for task in rows if task.purpose != Purpose.COLLECT]
    if other:
        raise BadRequest(f"These are not tasks to collect, so they cannot become gold: {', '.join(other)}.")
    return rows


def _is_id(name: str) -> bool:
    try:
        UUID(name)
    except ValueError:
        return False
    return True


def _expert_order(task: Task, orders: list[list[int]]) -> list[int]:
    if not orders:
        raise BadRequest(f"Nobody put task {task.public_id} in an order, or not the annotator you named.")
    if len(orders) > 1:
        raise BadRequest(
            f"Task {task.public_id} has {len(orders)} rankings: say whose is the expert's order."
        )
    if len(set(orders[0])) == 1:
        raise BadRequest(f"Task {task.public_id} is tied throughout, so nobody could be measured by it.")
    return orders[0]


@write
def unmark_gold(*, project: Project, tasks: Sequence[Task]) -> int:
    """Make gold tasks ordinary again; returns how many were gold.

    Who has ranked one holds one of its new slots; whoever has one in hand hands it back, so that nobody ranks beside
    the slots. Locks the project's desk, everybody and the tasks. Raises Busy.
    """
    desk = open_desk(project)
    locks.everybody(project)
    rows = Task.objects.filter(project=project, pk__in=[task.pk for task in tasks], purpose=Purpose.GOLD)
    holding.hand_back(locks.rows(Assignment.objects.open().filter(task__in=rows)), Assignment.Status.RELEASED)
    locked = locks.rows(rows)
    rows.update(purpose=Purpose.COLLECT, gold_tiers=None)
    upkeep.changed(project_id=project.pk, task_ids=[task.pk for task in locked])
    open_slots(desk, [Opening(task.pk, False, task.priority, task.annotators) for task in locked])
    close_desk(desk)
    return len(locked)
