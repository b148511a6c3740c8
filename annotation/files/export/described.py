"""Tasks with their prompt and completions, many at once."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from annotation.models import Task, TaskCompletion


class DescribedCompletion(NamedTuple):
    """One of a task's completions."""

    public_id: str
    text: str
    source: str
    sampling: dict[str, Any]


class DescribedTask(NamedTuple):
    """A task; ``completions`` in the order of their places."""

    public_id: str
    key: str
    kind: str
    prompt_id: str
    form: str
    messages: list[dict[str, str]]
    split: str
    completions: list[DescribedCompletion]


def describe(task_ids: Iterable[int]) -> dict[int, DescribedTask]:
    """The tasks by id, in two queries."""
    ids = set(task_ids)
    entries = defaultdict(list)
    rows = TaskCompletion.objects.filter(task__id__among=ids).order_by("task_id", "position")
    for task_id, public_id, *rest in rows.values_list(
        "task_id",
        "completion__public_id",
        "completion__text",
        "completion__source__name",
        "completion__sampling",
    ):
        entries[task_id].append(DescribedCompletion(str(public_id), *rest))
    tasks = Task.objects.filter(pk__among=ids).values_list(
        "id",
        "public_id",
        "key",
        "kind",
        "prompt__public_id",
        "prompt__form",
        "prompt__messages",
        "prompt__split",
    )
    return {
        pk: DescribedTask(str(public_id), key, kind, str(prompt_id), form, messages, split, entries[pk])
        for pk, public_id, key, kind, prompt_id, form, messages, split in tasks
    }
