"""Kind "pairs": TRL's explicit preference format, the strict pairs of current rankings.

Every line has the same fields with the same types, so that loaders which infer a schema take the file as it is:
metadata, which may be anything, stands as text under ``concord``. And since they infer it from a file's first
megabytes, the file begins with rankings that show the type of each field that may be null.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Count, Min, Q, QuerySet

from annotation.errors import BadRequest
from annotation.files.export.rankings import COLUMNS, pseudonym
from annotation.files.export.scope import Scope, chunks, moment, prompt_value
from annotation.files.jsonl.records import extras_of
from annotation.files.jsonl.writing import encoded, encoded_rest, with_rest
from annotation.models import Ranking, Task, TaskCompletion
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


class Counts(NamedTuple):
    """How many strict pairs there are, and how many ties they leave out."""

    strict: int
    ties: int


def counted(scope: Scope) -> Counts:
    """Counted by the rankings' tiers, of which there are few kinds: a count of comparisons would walk through all."""
    strict = ties = 0
    kinds = _rankings(scope).order_by().values_list("tiers").annotate(rankings=Count("pk"))
    for tiers, rankings in kinds:
        per_ranking = pairs(tiers)
        strict += rankings * len(per_ranking.strict)
        ties += rankings * len(per_ranking.ties)
    return Counts(strict, ties)


# Of each field that may be null, which rankings have a value there.
_SHOWS_TYPE = {
    "annotator": Q(annotator__anonymous=False),
    "strength": Q(strength__isnull=False),
    "id": ~Q(external_id=""),
    "order_shown": Q(order_shown__isnull=False),
    "active_seconds": Q(active_seconds__isnull=False),
    "metadata": ~Q(metadata={}),
}
_HAS_PAIRS = Q(tiers__contains=[2])


def values(scope: Scope) -> Iterator[dict[str, Any]]:
    """One object a strict pair, some of its values encoded, in the order of rankings and of their completions.

    One line of each ranking that shows a type stands before all others.
    """
    rankings = _rankings(scope)
    first_with = {name: Min("pk", filter=shows & _HAS_PAIRS) for name, shows in _SHOWS_TYPE.items()}
    showing = set(rankings.order_by().aggregate(**first_with).values())
    for _, lines in _lines_of(rankings.filter(pk__in=showing - {None})):
        yield next(lines)
    for pk, lines in _lines_of(rankings):
        yield from islice(lines, int(pk in showing), None)


def _lines_of(rankings: "QuerySet[Any]") -> Iterator[tuple[int, Iterator[dict[str, Any]]]]:
    """The key of each ranking with its lines."""
    for chunk in chunks(rankings, "id", *COLUMNS):
        tasks = _tasks({row["task_id"] for row in chunk})
        for row in chunk:
            yield row["id"], _lines(row, tasks[row["task_id"]])


def _tasks(task_ids: Collection[int]) -> "dict[int, _PairTask]":
    """The tasks by id, in two queries, with no more than pairs say of them."""
    entries = defaultdict(list)
    rows = TaskCompletion.objects.filter(task__id__among=task_ids).order_by("task_id", "position")
    for task_id, text, source in rows.values_list("task_id", "completion__text", "completion__source__name"):
        entries[task_id].append((text, source))
    tasks = Task.objects.filter(pk__among=task_ids).values_list(
        "id", "public_id", "prompt__form", "prompt__messages", "prompt__split"
    )
    return {
        pk: _PairTask(public_id, form, messages, split, entries[pk])
        for pk, public_id, form, messages, split in tasks
    }


class _PairTask:
    """What all pairs of a task say, made once."""

    def __init__(
        self,
        public_id: UUID,
        form: str,
        messages: list[dict[str, str]],
        split: str,
        completions: list[tuple[str, str]],
    ) -> None:
        self.size = len(completions)
        self.split = split
        self.prompt = encoded(prompt_value(form, messages))
        self.answers = [encoded(_answer(form, text)) for text, _ in completions]
        self.sources = [source for _, source in completions]
        self._public_id = str(public_id)

    def pair_id(self, i: int, j: int) -> str:
        """Of two of its completions, in either order."""
        return _pair_id(self._public_id, self.size, *((i, j) if i < j else (j, i)))


def _lines(row: dict[str, Any], task: _PairTask) -> Iterator[dict[str, Any]]:
    extras = extras_of(row["metadata"], task.size)
    metadata = None if extras is not None or not row["metadata"] else _text(row["metadata"])
    seen = {place: number for number, place in enumerate(row["order_shown"] or ())}
    public_id, annotator = str(row["public_id"]), pseudonym(row)
    # What all its pairs say alike is encoded once.
    alike = encoded_rest(
        split=task.split,
        active_seconds=row["active_seconds"],
        guideline_version=row["guideline_version"],
        simulated=row["annotator__simulated"],
        created_at=moment(row["created_at"]),
    )
    for chosen, rejected in pairs(row["tiers"]).strict:
        if extras is not None:
            metadata = _text({**row["metadata"], "completions": [extras[chosen], extras[rejected]]})
        yield {
            "prompt": task.prompt,
            "chosen": task.answers[chosen],
            "rejected": task.answers[rejected],
            "strength": row["strength"],
            "annotator": annotator,
            "id": row["external_id"] or None,
            "concord": with_rest(
                {
                    "id": _pair_id(public_id, task.size, chosen, rejected),
                    "task": task.pair_id(chosen, rejected),
                    "sources": [task.sources[chosen], task.sources[rejected]],
                    # In which order the two were seen: 0 is chosen, 1 rejected.
                    "order_shown": ([0, 1] if seen[chosen] < seen[rejected] else [1, 0]) if seen else None,
                    "metadata": metadata,
                },
                alike,
            ),
        }


def _answer(form: str, text: str) -> str | list[dict[str, str]]:
    return text if form == "text" else [{"role": "assistant", "content": text}]


def _pair_id(public_id: str, completions: int, i: int, j: int) -> str:
    """The id of the ranking (or task) itself where it is of two, else that id with the pair in its last byte."""
    if completions == 2:
        return public_id
    return f"{public_id[:-2]}{int(public_id[-2:], 16) ^ (16 * i + j + 1):02x}"


def _text(metadata: dict[str, Any]) -> str:
    return json.dumps(metadata, ensure_ascii=False)
