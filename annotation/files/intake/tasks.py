"""Tasks of a batch: found by their key, or made with their entries and slots."""
# ruff: noqa: S608 (the statements are put together from constants of this file; values are parameters)

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from django.db import connection

from annotation import locks
from annotation.files.intake import completions, names, prompts, slots
from annotation.files.intake.copying import copy_rows, jsonb, restored_ids, take_ids
from annotation.files.intake.desk import Desk, Numbered
from annotation.files.jsonl.errors import BadField
from annotation.files.jsonl.records import COLLECT, FlagLine, RankingLine, SkipLine, TaskLine
from annotation.models import Project, Task, TaskCompletion
from runs.writing import write

T = TypeVar("T", TaskLine, RankingLine, FlagLine, SkipLine)
Speaking = TaskLine | RankingLine | FlagLine | SkipLine  # of a task
Member = tuple[str, str]  # a completion's source and digest


class Facts(NamedTuple):
    """A task's prompt by digest, and its completions in the order of their places.

    ``id`` and ``completion_ids`` are None of a task that a line of this batch brings.
    """

    prompt_digest: str
    members: tuple[Member, ...]
    id: int | None = None
    completion_ids: tuple[int, ...] | None = None
    purpose: str = COLLECT
    kind: str = Task.Kind.RANK


class Placed(NamedTuple):
    """A stored task. ``completion_ids`` in the order of their places; ``is_new`` of a task that this batch made."""

    id: int
    members: tuple[Member, ...]
    completion_ids: tuple[int, ...]
    is_new: bool


def admit(desk: Desk, lines: Sequence[Numbered[T]]) -> tuple[list[Numbered[T]], dict[str, Facts]]:
    """The lines that say of their task what the database and the lines before say of it, and all these facts."""
    facts = _stored(desk, {line.key for _, line in lines})
    good = []
    for number, line in lines:
        members = tuple(value.member for value in line.completions)
        known = facts.setdefault(line.key, Facts(line.prompt.digest, members))
        if known.prompt_digest != line.prompt.digest:
            desk.report.refuse(number, BadField("task", f"{line.key!r} is a task of another prompt"))
        elif set(known.members) != set(members):
            desk.report.refuse(number, BadField("task", f"{line.key!r} ranks other completions"))
        else:
            good.append(Numbered(number, line))
    return good, facts


def _stored(desk: Desk, keys: Iterable[str]) -> dict[str, Facts]:
    tasks = list(
        Task.objects.filter(project=desk.project, key__among=keys).values_list(
            "id", "key", "prompt__digest", "purpose", "kind"
        )
    )
    if not tasks:
        return {}
    entries: dict[int, list[tuple[int, str, str]]] = defaultdict(list)
    rows = TaskCompletion.objects.filter(task__id__among=[row[0] for row in tasks])
    for task_id, pk, source, text in rows.order_by("task_id", "position").values_list(
        "task_id", "completion_id", "completion__source__name", "completion__digest"
    ):
        entries[task_id].append((pk, source, text))
    return {
        key: Facts(
            digest,
            members=tuple((source, text) for _, source, text in entries[pk]),
            id=pk,
            completion_ids=tuple(entry[0] for entry in entries[pk]),
            purpose=purpose,
            kind=kind,
        )
        for pk, key, digest, purpose, kind in tasks
    }


def ensure(
    desk: Desk, lines: Sequence[T], facts: Mapping[str, Facts], stored: Mapping[str, prompts.Stored]
) -> dict[str, Placed]:
    """The task of each admitted line, by key; those that are missing are made, without slots."""
    firsts: dict[str, T] = {}
    for line in lines:
        firsts.setdefault(line.key, line)
    missing = [line for key, line in firsts.items() if facts[key].id is None]
    sources = names.ensure_sources(desk, {value.source for line in missing for value in line.completions})
    items_of_lines = [_completions_of(line, stored, sources) for line in missing]
    known = completions.ensure(desk, (item for items in items_of_lines for item in items))
    placed = {key: _placed(fact) for key, fact in facts.items() if fact.id is not None and key in firsts}
    ids = take_ids(Task, len(missing))
    for line, items, pk in zip(missing, items_of_lines, ids, strict=True):
        placed[line.key] = Placed(
            id=pk,
            members=tuple(value.member for value in line.completions),
            completion_ids=tuple(known[item.key] for item in items),
            is_new=True,
        )
    _copy_tasks(desk, missing, ids, stored)
    copy_entries([placed[line.key] for line in missing])
    return placed


def _placed(facts: Facts) -> Placed:
    assert facts.id is not None and facts.completion_ids is not None  # noqa: PT018 (both are of a stored task)
    return Placed(facts.id, facts.members, facts.completion_ids, is_new=False)


def _completions_of(
    line: Speaking, stored: Mapping[str, prompts.Stored], sources: Mapping[str, int]
) -> list[completions.CompletionOfLine]:
    prompt = stored[line.prompt.digest]
    public_ids: Sequence[str | None] = line.provenance.completion_ids or [None] * len(line.completions)
    return [
        completions.CompletionOfLine.of(prompt, sources[value.source], value, public_id)
        for value, public_id in zip(line.completions, public_ids, strict=True)
    ]


def _copy_tasks(
    desk: Desk,
    lines: Sequence[Speaking],
    ids: Sequence[int],
    stored: Mapping[str, prompts.Stored],
) -> None:
    task_lines = [line if isinstance(line, TaskLine) else None for line in lines]
    public_ids = restored_ids(
        Task,
        [line.provenance.id if isinstance(line, TaskLine) else line.provenance.task for line in lines],
    )
    copy_rows(
        Task,
        (
            "id",
            "public_id",
            "project",
            "prompt",
            "key",
            "kind",
            "purpose",
            "gold_tiers",
            "priority",
            "annotators",
            "external_id",
            "metadata",
            "created_at",
        ),
        (
            (
                pk,
                public_id,
                desk.project.pk,
                stored[line.prompt.digest].id,
                line.key,
                (line.provenance.kind if isinstance(line, FlagLine | SkipLine) else None) or Task.Kind.RANK,
                Task.Purpose.GOLD if task and task.expert else COLLECT,
                task.expert if task else None,
                task.priority if task else 0,
                task.provenance.slots if task else None,
                task.external_id if task else "",
                jsonb(task.metadata if task else {}),
                (task.provenance.created_at if task else None) or desk.now,
            )
            for line, task, pk, public_id in zip(lines, task_lines, ids, public_ids, strict=True)
        ),
    )


def copy_entries(tasks: Iterable[Placed]) -> None:
    """Put the completions of new tasks at their places."""
    copy_rows(
        TaskCompletion,
        ("task", "completion", "position"),
        (
            (task.id, completion_id, position)
            for task in tasks
            for position, completion_id in enumerate(task.completion_ids)
        ),
    )


def store(desk: Desk, lines: Sequence[Numbered[TaskLine]]) -> int:
    """Kind "completions": tasks with slots. One that came in judged and without slots gets them now.

    Returns how many tasks were made.
    """
    good, facts = admit(desk, lines)
    good = prompts.admit(desk, good)
    only = [line for _, line in good]
    stored = prompts.ensure(desk, only)
    placed = ensure(desk, only, facts, stored)
    complete(desk, only, placed, stored)
    firsts = {line.key: line for line in reversed(only)}
    slots.open_slots(
        desk,
        [
            slots.Opening(task.id, task.is_new, firsts[key].priority, firsts[key].provenance.slots)
            for key, task in placed.items()
        ],
    )
    added = sum(task.is_new for task in placed.values())
    desk.report.added += added
    desk.report.already += len(good) - added
    return added


def complete(
    desk: Desk, lines: Sequence[TaskLine], placed: Mapping[str, Placed], stored: Mapping[str, prompts.Stored]
) -> None:
    """Give tasks that came in under a judgement what only their own line says: sampling, id and metadata."""
    old = [line for line in lines if not placed[line.key].is_new]
    if not old:
        return
    sources = names.ensure_sources(desk, {value.source for line in old for value in line.completions})
    completions.ensure(desk, (item for line in old for item in _completions_of(line, stored, sources)))
    by_id = {placed[line.key].id: line for line in old}
    bare = list(
        Task.objects.filter(pk__in=by_id, external_id="", metadata={}, priority=0, slots__isnull=True)
    )
    for task in bare:
        line = by_id[task.pk]
        task.external_id, task.metadata, task.priority = line.external_id, line.metadata, line.priority
    Task.objects.bulk_update(bare, ["external_id", "metadata", "priority"], batch_size=500)


@write
def set_priorities(
    *, project: Project, priorities: Mapping[int, int], by: str = "", patient: bool = False
) -> int:
    """Set what is ranked next, the highest first, by task id; returns how many tasks of the project changed.

    For any number of tasks at once. ``by`` names the reward model whose doubt it is, where it is one's: whoever is
    asked a task for that reason has an assignment that says so. Locks the project's desk (``patient`` callers wait for
    it), the slots and the tasks; slots that are being claimed at this moment are waited for. Raises Busy.
    """
    locks.desk(project, patient=patient)
    values: dict[str, Any] = {
        "project": project.pk,
        "tasks": list(priorities),
        "priorities": list(priorities.values()),
        "by": by,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SET_SLOTS, values)
        cursor.execute(_SET_TASKS, values)
        changed = [row[0] for row in cursor.fetchall()]
    if changed:
        locks.queue_moved(project)
    return len(changed)


_NEW_PRIORITIES = """
    SELECT task.id AS task_id, wanted.priority
    FROM unnest(%(tasks)s::bigint[], %(priorities)s::int[]) AS wanted (id, priority)
    JOIN annotation_task task ON task.id = wanted.id
    WHERE task.project_id = %(project)s AND (task.priority, task.ordered_by) <> (wanted.priority, %(by)s)
"""
_SET_SLOTS = f"""
    WITH wanted AS MATERIALIZED ({_NEW_PRIORITIES}), held AS MATERIALIZED (
        SELECT slot.id, wanted.priority FROM annotation_slot slot JOIN wanted USING (task_id)
        ORDER BY slot.id FOR NO KEY UPDATE OF slot
    )
    UPDATE annotation_slot slot SET priority = held.priority FROM held WHERE slot.id = held.id
"""
_SET_TASKS = f"""
    WITH wanted AS MATERIALIZED ({_NEW_PRIORITIES}), held AS MATERIALIZED (
        SELECT task.id, wanted.priority FROM annotation_task task JOIN wanted ON task.id = wanted.task_id
        ORDER BY task.id FOR NO KEY UPDATE OF task
    )
    UPDATE annotation_task task SET priority = held.priority, ordered_by = %(by)s
    FROM held WHERE task.id = held.id RETURNING task.id
"""
