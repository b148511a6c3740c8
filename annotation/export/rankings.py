"""Kind "rankings"."""

from collections.abc import Iterator, Mapping
from typing import Any

from annotation.export.described import DescribedTask, describe
from annotation.export.scope import Scope, chunks, given, moment, named_source, prompt_value
from annotation.models import Ranking

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
    rows = scope.narrow(Ranking.objects.collected().filter(project=scope.project), "task__prompt")
    for chunk in chunks(rows, *COLUMNS):
        tasks = describe(row["task_id"] for row in chunk)
        for row in chunk:
            yield _line(row, tasks[row["task_id"]])


def _line(row: dict[str, Any], task: DescribedTask) -> dict[str, Any]:
    ranks = row["tiers"] or [None] * len(task.completions)
    return {
        "prompt": prompt_value(task.form, task.messages),
        "completions": [
            {"text": item.text, **given(rank=rank, source=named_source(item.source))}
            for item, rank in zip(task.completions, ranks, strict=True)
        ],
        "task": task.key,
        **given(annotator=pseudonym(row)),
        "verdict": row["verdict"],
        **given(
            confidence=row["confidence"],
            rationale=row["rationale"],
            id=row["external_id"],
            metadata=row["metadata"],
        ),
        "concord": {
            "id": str(row["public_id"]),
            "prompt": task.prompt_id,
            "task": task.public_id,
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


def pseudonym(row: Mapping[str, Any]) -> str | None:
    """The annotator's pseudonym, None of nobody's."""
    return None if row["annotator__anonymous"] else str(row["annotator__pseudonym"])
