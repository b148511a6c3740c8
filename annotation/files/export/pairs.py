"""Kind "pairs": TRL's explicit preference format, the strict pairs of current rankings.

Every line has the same fields with the same types, so that loaders which infer a schema take the file as it is:
metadata, which may be anything, stands as text under ``concord``. And since they infer it from a file's first
megabytes, the file begins with rankings that show the type of each field that may be null.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Count, Min, Q, QuerySet

from annotation.errors import TwoForms
from annotation.files.export.rankings import pseudonym
from annotation.files.export.scope import Scope, chunks, moment, prompt_value
from annotation.files.jsonl.records import extras_of
from annotation.files.jsonl.writing import encoded, encoded_fields
from annotation.models import Ranking, Task, TaskCompletion
from annotation.preferences.tiers import pairs


def _rankings(scope: Scope) -> Any:
    rows = Ranking.objects.current().collected()
    rows = rows.filter(project=scope.project, verdict=Ranking.Verdict.RANKED)
    return scope.narrow(rows, "task__prompt")


def check_one_form(scope: Scope) -> None:
    """A file of pairs has one form of prompt. Raises TwoForms where both are there and none was chosen."""
    forms = set(_rankings(scope).order_by().values_list("task__prompt__form", flat=True).distinct())
    if len(forms) > 1:
        raise TwoForms(
            "There are pairs of text prompts and of chat prompts, and a file holds one form: choose the form, text or "
            "chat."
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
_COLUMNS = (
    "id",
    "public_id",
    "task_id",
    "tiers",
    "strength",
    "order_shown",
    "active_seconds",
    "guideline_version",
    "external_id",
    "metadata",
    "created_at",
    "annotator__pseudonym",
    "annotator__anonymous",
    "annotator__simulated",
)
_HAS_PAIRS = Q(tiers__contains=[2])


def lines(scope: Scope) -> Iterator[str]:
    """One line a strict pair, in the order of rankings and of their completions.

    One line of each ranking that shows a type stands before all others.
    """
    rankings = _rankings(scope)
    first_with = {name: Min("pk", filter=shows & _HAS_PAIRS) for name, shows in _SHOWS_TYPE.items()}
    showing = set(rankings.order_by().aggregate(**first_with).values()) - {None}
    for row, task in _judged(rankings.filter(pk__in=showing)):
        yield next(_lines(row, task))
    for row, task in _judged(rankings):
        yield from islice(_lines(row, task), int(row["id"] in showing), None)


def _judged(rankings: "QuerySet[Any]") -> "Iterator[tuple[dict[str, Any], _PairTask]]":
    """Each ranking with its task."""
    for chunk in chunks(rankings, *_COLUMNS):
        tasks = _tasks({row["task_id"] for row in chunk})
        for row in chunk:
            yield row, tasks[row["task_id"]]


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
    """What all pairs of a task say, encoded once."""

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
        self.sources = [encoded(source) for _, source in completions]
        self.pairs = _PairIds(public_id, self.size)


class _PairIds:
    """The ids of the pairs of a ranking (or task) of so many completions.

    Of two it is that of the ranking itself, else that with the pair in its last byte.
    """

    def __init__(self, public_id: UUID, completions: int) -> None:
        whole = str(public_id)
        self._start, self._last = (whole, -1) if completions == 2 else (whole[:-2], int(whole[-2:], 16))

    def of(self, i: int, j: int) -> str:
        """Of two completions, in this order."""
        return self._start if self._last < 0 else self._start + _BYTES[self._last ^ (16 * i + j + 1)]


_BYTES = [f"{byte:02x}" for byte in range(256)]


def _lines(row: dict[str, Any], task: _PairTask) -> Iterator[str]:
    extras = extras_of(row["metadata"], task.size)
    metadata = encoded(None if extras is not None or not row["metadata"] else _text(row["metadata"]))
    seen = {place: number for number, place in enumerate(row["order_shown"] or ())}
    ids = _PairIds(row["public_id"], task.size)
    # What all its pairs say alike is encoded once.
    who = encoded_fields(strength=row["strength"], annotator=pseudonym(row), id=row["external_id"] or None)
    how = encoded_fields(
        split=task.split,
        active_seconds=row["active_seconds"],
        guideline_version=row["guideline_version"],
        simulated=row["annotator__simulated"],
        created_at=moment(row["created_at"]),
    )
    for chosen, rejected in _strict(tuple(row["tiers"])):
        if extras is not None:
            both = [extras[chosen], extras[rejected]]
            metadata = encoded(_text({**row["metadata"], "completions": both}))
        # In which order the two were seen: 0 is chosen, 1 rejected.
        order = ("[0,1]" if seen[chosen] < seen[rejected] else "[1,0]") if seen else "null"
        task_id = task.pairs.of(min(chosen, rejected), max(chosen, rejected))
        yield (
            f'{{"prompt":{task.prompt},"chosen":{task.answers[chosen]},"rejected":{task.answers[rejected]},{who},'
            f'"concord":{{"id":"{ids.of(chosen, rejected)}","task":"{task_id}",'
            f'"sources":[{task.sources[chosen]},{task.sources[rejected]}],"order_shown":{order},'
            f'"metadata":{metadata},{how}}}}}\n'
        )


@lru_cache(maxsize=1000)
def _strict(tiers: tuple[int, ...]) -> list[tuple[int, int]]:
    """There are few kinds of tiers."""
    return pairs(tiers).strict


def _answer(form: str, text: str) -> str | list[dict[str, str]]:
    return text if form == "text" else [{"role": "assistant", "content": text}]


def _text(metadata: dict[str, Any]) -> str:
    return json.dumps(metadata, ensure_ascii=False)
