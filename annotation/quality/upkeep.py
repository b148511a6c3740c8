"""Quality statistics kept up to date: which tasks changed, and the totals that they move (preferences.tally).

changed   says that tasks' rankings changed, in the transaction of the change
count     takes changed tasks from the list, and moves the totals by what they add now less what they added before
rebuild   forgets all of it and puts every ranked task on the list

A submission costs one row; the page reads rows whose number grows with annotators and weeks, not with rankings.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import connection
from django.db.models.functions import Length

from annotation.counting import MOST, Bounded, bounded
from annotation.files.snapshots import judged
from annotation.models import Project, StaleTask, Tally, Task, TaskCompletion, TaskTally
from annotation.preferences.tally import Judgement, Scope, Total, contributions
from runs.writing import write

# Tasks counted in one transaction.
BATCH = 2000
# The first key of the advisory lock under which a project's totals move.
LOCK = 7417


def changed(*, project_id: int, task_ids: Iterable[int]) -> None:
    """Put tasks on the list of those to be counted anew."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO annotation_staletask (project_id, task_id) SELECT %s, unnest(%s::bigint[])",
            [project_id, list(task_ids)],
        )


def count(*, project: Project, most: int = 100_000) -> Bounded:
    """Count up to ``most`` changes of the list, in batches; returns how many were left undone."""
    left = most
    while left > 0:
        size = min(BATCH, left)
        left -= size
        if _count_batch(project, size) < size:
            break
    return left_of(project)


def left_of(project: Project) -> Bounded:
    """How many changes are on the list, which a large import makes long: it adds each of its tasks."""
    return bounded(StaleTask.objects.filter(project=project), MOST)


def count_everywhere() -> None:
    """Count what changed in every project that has changes. Called by the sweep."""
    for project in Project.objects.filter(pk__in=StaleTask.objects.values("project").distinct()):
        count(project=project)


@write
def rebuild(*, project: Project) -> None:
    """Forget the totals and put every task that has a ranking on the list."""
    _lock(project)
    Tally.objects.filter(project=project).delete()
    TaskTally.objects.filter(task__project=project).delete()
    StaleTask.objects.filter(project=project).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO annotation_staletask (project_id, task_id)"
            " SELECT DISTINCT project_id, task_id FROM annotation_ranking WHERE project_id = %s",
            [project.pk],
        )


def added_by(project: Project, task_ids: Sequence[int]) -> dict[int, dict[Scope, list[float]]]:
    """What each task adds to the totals, by its rankings as they are now."""
    judgements: dict[int, list[Judgement]] = defaultdict(list)
    rows = (
        judged(project)
        .filter(task__in=task_ids)
        .values_list(
            "task_id",
            "annotator_id",
            "annotator__anonymous",
            "verdict",
            "tiers",
            "order_shown",
            "active_seconds",
            "created_at",
            "assignment__chosen",
        )
        .order_by("id")
    )
    for task_id, annotator, anonymous, verdict, tiers, shown, seconds, created_at, chosen in rows:
        name, week = None if anonymous else annotator, week_of(created_at)
        judgements[task_id].append(Judgement(name, verdict, tiers, shown, seconds, week, chosen or ""))
    lengths = _lengths(list(judgements))
    doubted = set(Task.objects.doubted().filter(pk__in=list(judgements)).values_list("pk", flat=True))
    return {
        pk: contributions(judgements_of_task, lengths[pk], doubted=pk in doubted)
        for pk, judgements_of_task in judgements.items()
    }


def week_of(moment: datetime) -> str:
    """The ISO week, in UTC: 2026-W48."""
    year, week, _ = moment.isocalendar()
    return f"{year}-W{week:02}"


def _lock(project: Project) -> None:
    """Until the transaction ends; two counts of a project never move its totals at once."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, project.pk])


@write
def _count_batch(project: Project, size: int) -> int:
    """Count the ``size`` oldest changes of the list; returns how many lines of it were done."""
    _lock(project)
    lines = list(StaleTask.objects.filter(project=project).order_by("id").values_list("id", "task_id")[:size])
    if not lines:
        return 0
    # Whatever changes after this puts a line of its own on the list: what is read below is no older than these.
    StaleTask.objects.filter(pk__in=[pk for pk, _ in lines]).delete()
    task_ids = sorted({task for _, task in lines})
    known = dict(TaskTally.objects.filter(task__in=task_ids).values_list("task_id", "added"))
    now = added_by(project, task_ids)
    moved: dict[Scope, Total] = {}
    for pk in task_ids:
        _move(moved, _read(known.get(pk, [])), -1)
        _move(moved, now.get(pk, {}), 1)
    _store_tasks(now, known)
    _store_totals(project, moved)
    return len(lines)


def _move(moved: dict[Scope, Total], vectors: Mapping[Scope, Sequence[float]], sign: int) -> None:
    for scope, vector in vectors.items():
        moved.setdefault(scope, Total(scope.kind)).add(vector, sign)


def _read(added: Sequence[Any]) -> dict[Scope, list[float]]:
    return {Scope(*scope): vector for *scope, vector in added}


def _store_tasks(now: Mapping[int, Mapping[Scope, list[float]]], known: Mapping[int, Any]) -> None:
    gone = known.keys() - now.keys()
    if gone:
        TaskTally.objects.filter(task__in=gone).delete()
    TaskTally.objects.bulk_create(
        (
            TaskTally(task_id=pk, added=[[*scope, vector] for scope, vector in vectors.items()])
            for pk, vectors in now.items()
        ),
        update_conflicts=True,
        unique_fields=["task"],
        update_fields=["added"],
    )


def _store_totals(project: Project, moved: Mapping[Scope, Total]) -> None:
    """Add to the rows that there are, make those that there are not, and drop those of no task."""
    people = {scope.annotator for scope in moved if scope.annotator is not None}
    rows = Tally.objects.filter(project=project, annotator__in=people)
    both = [*rows, *Tally.objects.filter(project=project, annotator=None)]
    known = {Scope(row.kind, row.annotator_id, row.other_id, row.week or None): row for row in both}
    fresh: list[Tally] = []
    old: list[Tally] = []
    empty: list[int] = []
    for scope, total in moved.items():
        row = known.get(scope)
        if row is not None:
            total.merge(Total(row.kind, row.tasks, row.sums, row.products))
        target = row or Tally(
            project=project,
            kind=scope.kind,
            annotator_id=scope.annotator,
            other_id=scope.other,
            week=scope.week or "",
        )
        target.tasks, target.sums, target.products = total.tasks, total.sums, total.products
        if not total.tasks:
            empty += [row.pk] if row is not None else []
        else:
            (fresh if row is None else old).append(target)
    Tally.objects.filter(pk__in=empty).delete()
    Tally.objects.bulk_create(fresh)
    # Rows with their keys: an upsert is many times faster than bulk_update's CASE of thousands of arrays.
    Tally.objects.bulk_create(
        old, update_conflicts=True, unique_fields=["id"], update_fields=["tasks", "sums", "products"]
    )


def _lengths(task_ids: Sequence[int]) -> dict[int, list[int]]:
    """Characters of each task's completions, in the order of their places."""
    lengths: dict[int, list[int]] = defaultdict(list)
    rows = TaskCompletion.objects.filter(task__in=task_ids).order_by("task_id", "position")
    for task_id, length in rows.values_list("task_id", Length("completion__text")):
        lengths[task_id].append(length)
    return lengths


def totals(project: Project) -> dict[Scope, Total]:
    """The project's totals as one would count them from nothing now, in memory: for a report, not for a page."""
    by_scope: dict[Scope, Total] = {}
    ids = iter(Task.objects.filter(project=project).order_by("pk").values_list("pk", flat=True).iterator())
    while batch := list(islice(ids, BATCH)):
        for vectors in added_by(project, batch).values():
            _move(by_scope, vectors, 1)
    return by_scope
