"""Kind "rankings", and the rankings of gold tasks, repeats and adjudications, each a kind of its own."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import Exists, OuterRef

from annotation.files.export.described import DescribedTask, describe
from annotation.files.export.scope import Scope, chunks, moment, named_source, prompt_value, without_empty
from annotation.models import Ranking, Task, TaskCompletion
from annotation.models.judgement import RankingQuerySet

COLLECT = Task.Purpose.COLLECT

COLUMNS = (
    "public_id",
    "task_id",
    "verdict",
    "tiers",
    "confidence",
    "rationale",
    "strength",
    "order_shown",
    "active_seconds",
    "guideline_version",
    "is_current",
    "external_id",
    "metadata",
    "created_at",
    "annotator__pseudonym",
    "annotator__anonymous",
    "annotator__simulated",
)


def values(scope: Scope) -> Iterator[dict[str, Any]]:
    """All rankings of what is collected. A superseded one stands before the one that took its place, and says so."""
    return _values(scope, COLLECT)


def gold(scope: Scope) -> Iterator[dict[str, Any]]:
    """What annotators made of gold tasks."""
    return _values(scope, Task.Purpose.GOLD)


def repeats(scope: Scope) -> Iterator[dict[str, Any]]:
    """What annotators said when they were asked again; ``task`` is what they were asked first."""
    return _values(scope, Task.Purpose.REPEAT)


def adjudications(scope: Scope) -> Iterator[dict[str, Any]]:
    """What researchers decided; the annotators' rankings of the same ``task`` stand in kind "rankings"."""
    return _values(scope, Task.Purpose.ADJUDICATION)


def made_for(purpose: str) -> RankingQuerySet:
    """The rankings of a kind, but those of a text that was withdrawn: nothing follows from them any more."""
    return Ranking.objects.made_for(purpose).filter(~with_withdrawn_text())


def _values(scope: Scope, purpose: str) -> Iterator[dict[str, Any]]:
    rows = scope.narrow(made_for(purpose).filter(project=scope.project), "task__prompt")
    for chunk in chunks(rows, *COLUMNS, "task__repeats_id", "task__public_id"):
        tasks = describe(row["task__repeats_id"] or row["task_id"] for row in chunk)
        for row in chunk:
            yield _line(row, tasks[row["task__repeats_id"] or row["task_id"]], purpose)


def _line(row: dict[str, Any], task: DescribedTask, purpose: str) -> dict[str, Any]:
    ranks = row["tiers"] or [None] * len(task.completions)
    return {
        "prompt": prompt_value(task.form, task.messages),
        "completions": [
            {"text": item.text, **without_empty(rank=rank, source=named_source(item.source))}
            for item, rank in zip(task.completions, ranks, strict=True)
        ],
        "task": task.key,
        **without_empty(annotator=pseudonym(row)),
        "verdict": row["verdict"],
        **without_empty(
            confidence=row["confidence"],
            rationale=row["rationale"],
            id=row["external_id"],
            metadata=row["metadata"],
        ),
        "concord": {
            "id": str(row["public_id"]),
            "prompt": task.prompt_id,
            "task": task.public_id,
            **purposed(purpose, row["task__repeats_id"], row["task__public_id"]),
            "completions": [item.public_id for item in task.completions],
            "split": task.split,
            "sources": [item.source for item in task.completions],
            "tiers": row["tiers"],
            "order_shown": row["order_shown"],
            "active_seconds": row["active_seconds"],
            "guideline_version": row["guideline_version"],
            **({} if row["strength"] is None else {"strength": row["strength"]}),
            "simulated": row["annotator__simulated"],
            **({} if row["is_current"] else {"superseded": True}),
            "created_at": moment(row["created_at"]),
        },
    }


def purposed(purpose: str, first: int | None, public_id: object) -> dict[str, Any]:
    """What a task is for that collects nothing, and, where it asks another again, which one it is itself."""
    if purpose == COLLECT:
        return {}
    return {"purpose": purpose, **({} if first is None else {"again": str(public_id)})}


def with_withdrawn_text() -> Exists:
    """Whether somebody withdrew a text of the row's task."""
    texts = TaskCompletion.objects.filter(task=OuterRef("task"))
    return Exists(texts.filter(completion__source__annotator__withdrawn_at__isnull=False))


def pseudonym(row: Mapping[str, Any]) -> str | None:
    """The annotator's pseudonym, None of nobody's."""
    return None if row["annotator__anonymous"] else str(row["annotator__pseudonym"])
