"""Kind "pairs": TRL's explicit preference format, the strict pairs of current rankings.

Every line has the same fields with the same types, so that loaders which infer a schema take the file as it is;
that is why metadata, which may be anything, stands as text under ``concord``.
"""

import json
import uuid
from collections.abc import Iterator
from typing import Any

from annotation.errors import BadRequest
from annotation.export.described import DescribedCompletion, DescribedTask, describe
from annotation.export.rankings import COLUMNS, pseudonym
from annotation.export.scope import Scope, chunks, moment, prompt_value
from annotation.jsonl.records import extras_of
from annotation.models import Comparison, Ranking
from annotation.preferences.tiers import pairs


def _rankings(scope: Scope) -> Any:
    rows = Ranking.objects.current().collected()
    rows = rows.filter(project=scope.project, verdict=Ranking.Verdict.RANKED)
    return scope.narrow(rows, "task__prompt")


def check_one_form(scope: Scope) -> None:
    """A file of pairs has one form of prompt. Raises BadRequest where both are there and none was chosen."""
    forms = set(_rankings(scope).order_by().values_list("task__prompt__form", flat=True).distinct())
    if len(forms) > 1:
        raise BadRequest(
            "There are pairs of text prompts and of chat prompts, and a file holds one form: "
            "choose --form text or --form chat."
        )


def comparisons(scope: Scope, *, tie: bool) -> int:
    """How many strict pairs there are, or how many ties they leave out."""
    rankings = scope.narrow(_rankings(scope), "task__prompt").order_by()
    return Comparison.objects.filter(tie=tie, ranking__in=rankings).count()


def values(scope: Scope) -> Iterator[dict[str, Any]]:
    """One object a strict pair, in the order of rankings and of their completions."""
    for chunk in chunks(_rankings(scope), *COLUMNS):
        tasks = describe(row["task_id"] for row in chunk)
        for row in chunk:
            for chosen, rejected in pairs(row["tiers"]).strict:
                yield _line(row, tasks[row["task_id"]], chosen, rejected)


def _line(row: dict[str, Any], task: DescribedTask, chosen: int, rejected: int) -> dict[str, Any]:
    two = [task.completions[chosen], task.completions[rejected]]
    return {
        "prompt": prompt_value(task.form, task.messages),
        "chosen": _answer(task.form, two[0]),
        "rejected": _answer(task.form, two[1]),
        "strength": row["strength"],
        "annotator": pseudonym(row),
        "id": row["external_id"] or None,
        "concord": {
            "id": _pair_id(row["public_id"], task, chosen, rejected),
            "task": _pair_id(task.public_id, task, *sorted((chosen, rejected))),
            "split": task.split,
            "sources": [item.source for item in two],
            "order_shown": _order_shown(row["order_shown"], chosen, rejected),
            "active_seconds": row["active_seconds"],
            "guideline_version": row["guideline_version"],
            "simulated": row["annotator__simulated"],
            "metadata": _metadata(row["metadata"], len(task.completions), chosen, rejected),
            "created_at": moment(row["created_at"]),
        },
    }


def _answer(form: str, completion: DescribedCompletion) -> str | list[dict[str, str]]:
    if form == "text":
        return completion.text
    return [{"role": "assistant", "content": completion.text}]


def _pair_id(public_id: object, task: DescribedTask, i: int, j: int) -> str:
    """The id of the ranking (or task) itself where it is of two, else one of its own for the pair."""
    if len(task.completions) == 2:
        return str(public_id)
    return str(uuid.uuid5(uuid.UUID(str(public_id)), f"{i}:{j}"))


def _metadata(metadata: dict[str, Any], completions: int, chosen: int, rejected: int) -> str | None:
    """The ranking's metadata as text, with what it says of these two completions only."""
    extras = extras_of(metadata, completions)
    if extras is not None:
        metadata = {**metadata, "completions": [extras[chosen], extras[rejected]]}
    return json.dumps(metadata, ensure_ascii=False) if metadata else None


def _order_shown(order: list[int] | None, chosen: int, rejected: int) -> list[int] | None:
    """In which order the two were seen: 0 is chosen, 1 rejected."""
    if order is None:
        return None
    index = {chosen: 0, rejected: 1}
    return [index[place] for place in order if place in index]
