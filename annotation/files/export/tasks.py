"""Kinds "completions", tasks to be ranked, and "gold", those with an expert's order."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Case, Exists, F, OuterRef, Value, When
from django.db.models.functions import Coalesce

from annotation.files.export.described import DescribedTask, describe
from annotation.files.export.rewards import Rewards
from annotation.files.export.scope import Scope, chunks, moment, named_source, prompt_value, without_empty
from annotation.models import Completion, Slot, Task, TaskCompletion


def values(scope: Scope) -> Iterator[dict[str, Any]]:
    """All tasks to be ranked and collected: gold tasks and repeats are this database's own.

    ``concord.slots`` says how many annotators each is for, 0 of those that came in judged.
    """
    rows = scope.narrow(Task.objects.ranked().filter(project=scope.project), "prompt")
    to_rank = Coalesce(F("annotators"), Value(scope.project.annotators_per_task))
    rows = rows.annotate(
        asked_of=Case(When(Exists(Slot.objects.filter(task=OuterRef("pk"))), to_rank), default=0)
    )
    for chunk in chunks(rows, "id", "priority", "external_id", "metadata", "created_at", "asked_of"):
        yield from _lines(chunk)


def gold(scope: Scope) -> Iterator[dict[str, Any]]:
    """All gold tasks, with the expert's order as ranks."""
    rows = scope.narrow(Task.objects.gold().filter(project=scope.project), "prompt")
    for chunk in chunks(rows, "id", "priority", "external_id", "metadata", "created_at", "gold_tiers"):
        yield from _lines(chunk)


def _lines(chunk: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """With what reward models gave the completions, which an import leaves out: it has no such versions."""
    tasks = describe(row["id"] for row in chunk)
    entries = TaskCompletion.objects.filter(task__id__among=list(tasks))
    rewards = Rewards(Completion.objects.filter(pk__in=entries.values("completion")))
    for row in chunk:
        task = tasks[row["id"]]
        yield _line(row, task, rewards.of(item.public_id for item in task.completions))


def _line(row: dict[str, Any], task: DescribedTask, rewards: list[dict[str, Any]]) -> dict[str, Any]:
    expert = row.get("gold_tiers")
    return {
        "prompt": prompt_value(task.form, task.messages),
        "completions": [
            {
                "text": item.text,
                **without_empty(rank=rank, source=named_source(item.source), sampling=item.sampling),
            }
            for item, rank in zip(task.completions, expert or [None] * len(task.completions), strict=True)
        ],
        "task": task.key,
        "priority": row["priority"],
        **without_empty(id=row["external_id"], metadata=row["metadata"]),
        "concord": {
            "id": task.public_id,
            "prompt": task.prompt_id,
            "completions": [item.public_id for item in task.completions],
            "split": task.split,
            "sources": [item.source for item in task.completions],
            **({"purpose": Task.Purpose.GOLD} if expert else {"slots": row["asked_of"]}),
            "created_at": moment(row["created_at"]),
            **without_empty(rewards=rewards),
        },
    }
