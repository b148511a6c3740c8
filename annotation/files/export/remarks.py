"""Kinds "flags" and "skips": what annotators said of a task instead of judging it, or beside that."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import QuerySet

from annotation.files.export.described import DescribedTask, describe
from annotation.files.export.rankings import purposed, with_withdrawn_text
from annotation.files.export.scope import Scope, chunks, moment, named_source, prompt_value, without_empty
from annotation.models import Assignment, Flag, Task

_TASK = ("task_id", "task__public_id", "task__purpose", "task__repeats_id")
_ANNOTATOR = ("annotator__pseudonym", "annotator__simulated")
_FLAG = ("category", "words", "created_at", "resolution", "resolved_at", "resolved_by__username")
_TEXT = (
    "completion__public_id",
    "completion__text",
    "completion__source__name",
    "prompt__public_id",
    "prompt__form",
    "prompt__messages",
    "prompt__split",
)
_SKIP = ("public_id", "reason", "order_shown", "opened_at", "closed_at")


def kept_flags() -> "QuerySet[Flag]":
    """Flags of what nobody withdrew, by people who did not withdraw."""
    rows = Flag.objects.filter(
        prompt__withdrawn_at=None,
        annotator__withdrawn_at=None,
        completion__source__annotator__withdrawn_at=None,
    )
    return rows.filter(~with_withdrawn_text())


def kept_skips() -> "QuerySet[Assignment]":
    """Skips of what nobody withdrew, by people who did not withdraw."""
    rows = Assignment.objects.filter(status=Assignment.Status.SKIPPED)
    rows = rows.filter(task__prompt__withdrawn_at=None, annotator__withdrawn_at=None)
    return rows.filter(~with_withdrawn_text())


def flags(scope: Scope) -> Iterator[dict[str, Any]]:
    """All flags, in the order in which they were raised: of tasks by annotators, of single texts by the import."""
    rows = scope.narrow(kept_flags().filter(project=scope.project), "prompt").order_by("created_at", "id")
    for chunk in chunks(rows, *_TASK, *_ANNOTATOR, *_TEXT, *_FLAG):
        tasks = _tasks(chunk)
        for row in chunk:
            task = tasks.get(_first(row))
            yield _flag(row, _of_text(row) if task is None else _of_task(row, task))


def skips(scope: Scope) -> Iterator[dict[str, Any]]:
    """All skips."""
    rows = scope.narrow(kept_skips().filter(project=scope.project), "task__prompt")
    for chunk in chunks(rows, *_TASK, *_ANNOTATOR, *_SKIP):
        tasks = _tasks(chunk)
        for row in chunk:
            line = _of_task(row, tasks[_first(row)])
            yield {
                **line,
                **without_empty(reason=row["reason"]),
                "concord": {
                    "id": str(row["public_id"]),
                    **line["concord"],
                    "order_shown": row["order_shown"],
                    "created_at": moment(row["opened_at"]),
                    "closed_at": moment(row["closed_at"]),
                },
            }


def _first(row: Mapping[str, Any]) -> int:
    """The task that a line names: the first, of one that asks another again."""
    return int(row["task__repeats_id"] or row["task_id"] or 0)


def _tasks(chunk: list[dict[str, Any]]) -> dict[int, DescribedTask]:
    return describe(_first(row) for row in chunk if row["task_id"] is not None)


def _flag(row: Mapping[str, Any], line: dict[str, Any]) -> dict[str, Any]:
    resolved_at = row["resolved_at"]
    return {
        **line,
        "category": row["category"],
        **without_empty(
            words=row["words"], resolution=row["resolution"], resolved_by=row["resolved_by__username"]
        ),
        "concord": {
            **line["concord"],
            "created_at": moment(row["created_at"]),
            **({} if resolved_at is None else {"resolved_at": moment(resolved_at)}),
        },
    }


def _of_task(row: Mapping[str, Any], task: DescribedTask) -> dict[str, Any]:
    """What a remark says of its task and its annotator."""
    return {
        "prompt": prompt_value(task.form, task.messages),
        "completions": [
            {"text": item.text, **without_empty(source=named_source(item.source))}
            for item in task.completions
        ],
        "task": task.key,
        "annotator": row["annotator__pseudonym"],
        "concord": {
            "prompt": task.prompt_id,
            "task": task.public_id,
            **purposed(row["task__purpose"], row["task__repeats_id"], row["task__public_id"]),
            **({} if task.kind == Task.Kind.RANK else {"kind": task.kind}),
            "completions": [item.public_id for item in task.completions],
            "split": task.split,
            "sources": [item.source for item in task.completions],
            "simulated": row["annotator__simulated"],
        },
    }


def _of_text(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a flag by the import says of its text."""
    return {
        "prompt": prompt_value(row["prompt__form"], row["prompt__messages"]),
        "completion": row["completion__text"],
        "concord": {
            "prompt": str(row["prompt__public_id"]),
            "completions": [str(row["completion__public_id"])],
            "split": row["prompt__split"],
            "sources": [row["completion__source__name"]],
        },
    }
