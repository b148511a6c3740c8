"""Many rankings with their comparisons: what is collected, and what was made of gold tasks, repeats and decisions."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from annotation.files.intake import again, judgements, names, prompts, slots, tasks
from annotation.files.intake.copying import copy_rows, jsonb, restored_ids, take_ids
from annotation.files.intake.desk import Desk, Numbered
from annotation.files.jsonl.records import RankingLine, extras_of
from annotation.models import Comparison, Ranking
from annotation.preferences.tiers import pairs
from annotation.quality import upkeep


class NewRanking(NamedTuple):
    """A new ranking before it is written. ``tiers`` and ``order`` are in the order of the task's places."""

    id: int
    line: RankingLine
    task: tasks.Placed
    annotator_id: int
    tiers: list[int]
    order: list[int]
    supersedes: int | None
    is_current: bool


def store(desk: Desk, lines: Sequence[Numbered[RankingLine]]) -> None:
    """Store what is new; a later line of an annotator on a task supersedes the earlier one."""
    fresh, facts = tasks.admit(desk, judgements.unseen(desk, Ranking, lines))
    fresh = prompts.admit(desk, again.admit(desk, fresh, facts))
    good = [line for _, line in names.admit_annotators(desk, fresh)]
    firsts = tasks.ensure(desk, good, facts, prompts.ensure(desk, good))
    placed = again.ensure(desk, good, firsts)
    rankings = _make(desk, good, placed)
    _retire({ranking.supersedes for ranking in rankings if ranking.supersedes is not None})
    _copy_rankings(desk, rankings)
    _copy_comparisons(rankings)
    upkeep.changed(project_id=desk.project.pk, task_ids=sorted({ranking.task.id for ranking in rankings}))
    slots.fill(desk, {ranking.task.id for ranking in rankings if not ranking.task.is_new})
    desk.report.added += len(rankings)


def _make(
    desk: Desk, lines: Sequence[RankingLine], placed: Mapping[again.KeyAndPurpose, tasks.Placed]
) -> list[NewRanking]:
    old = [task.id for task in placed.values() if not task.is_new]
    last = _last_rankings(old) if old else {}
    unnamed = _unnamed_counts(old) if old else Counter()
    rankings: list[NewRanking] = []
    for line, pk in zip(lines, take_ids(Ranking, len(lines)), strict=True):
        task = placed[line.key, line.purpose]
        annotator_id = _annotator(desk, line, task.id, unnamed)
        who = (task.id, annotator_id)
        order = _places(line, task)
        tiers = [line.tiers[order.index(place)] for place in range(len(order))] if line.tiers else []
        rankings.append(
            NewRanking(pk, line, task, annotator_id, tiers, order, last.get(who), is_current=True)
        )
        last[who] = pk
    superseded = {ranking.supersedes for ranking in rankings}
    return [ranking._replace(is_current=ranking.id not in superseded) for ranking in rankings]


def _last_rankings(task_ids: Sequence[int]) -> dict[tuple[int, int], int]:
    """The current ranking of each task by each of its annotators."""
    rows = Ranking.objects.current().filter(task__id__among=task_ids)
    return {
        (task, annotator): pk for pk, task, annotator in rows.values_list("id", "task_id", "annotator_id")
    }


def _unnamed_counts(task_ids: Sequence[int]) -> Counter[int]:
    """How many people without a name have ranked each task."""
    rows = Ranking.objects.filter(task__id__among=task_ids, annotator__anonymous=True)
    return Counter(rows.values_list("task_id", flat=True))


def _annotator(desk: Desk, line: RankingLine, task_id: int, unnamed: Counter[int]) -> int:
    if line.annotator is not None:
        return desk.annotators[line.annotator].id
    unnamed[task_id] += 1
    return names.nobody(desk, unnamed[task_id] - 1)


def _places(line: RankingLine, task: tasks.Placed) -> list[int]:
    """order[i] is the place in the task of the line's i-th completion."""
    place_of = {member: place for place, member in enumerate(task.members)}
    return [place_of[value.member] for value in line.completions]


def _retire(ids: Iterable[int]) -> None:
    """Older rankings stay as they are, but are no longer current, and nothing follows from them any more."""
    superseded = list(ids)
    if superseded:
        Comparison.objects.filter(ranking__in=superseded).delete()
        Ranking.objects.filter(pk__in=superseded).update(is_current=False)


def _copy_rankings(desk: Desk, rankings: Sequence[NewRanking]) -> None:
    public_ids = restored_ids(Ranking, [ranking.line.provenance.id for ranking in rankings])
    rows = [
        {"public_id": public_id, **_values(desk, ranking)}
        for ranking, public_id in zip(rankings, public_ids, strict=True)
    ]
    if rows:
        copy_rows(Ranking, list(rows[0]), (list(row.values()) for row in rows))


def _values(desk: Desk, ranking: NewRanking) -> dict[str, Any]:
    line, provenance = ranking.line, ranking.line.provenance
    shown = provenance.order_shown
    version = provenance.guideline_version
    return {
        "id": ranking.id,
        "project": desk.project.pk,
        "task": ranking.task.id,
        "annotator": ranking.annotator_id,
        "verdict": line.verdict,
        "tiers": ranking.tiers,
        "confidence": line.confidence,
        "rationale": line.rationale,
        "strength": line.strength,
        "order_shown": None if shown is None else [ranking.order[index] for index in shown],
        "active_seconds": provenance.active_seconds,
        "guideline_version": desk.project.guideline_version if version is None else version,
        "supersedes": ranking.supersedes,
        "is_current": ranking.is_current,
        "import_key": line.import_key,
        "external_id": line.external_id,
        "metadata": jsonb(_metadata(ranking)),
        "created_at": provenance.created_at or desk.now,
    }


def _metadata(ranking: NewRanking) -> dict[str, Any]:
    """The line's metadata, with what it says of single completions in the order of the task's places."""
    metadata = ranking.line.metadata
    extras = extras_of(metadata, len(ranking.order))
    if extras is None:
        return metadata
    places = range(len(extras))
    return {**metadata, "completions": [extras[ranking.order.index(place)] for place in places]}


def _copy_comparisons(rankings: Sequence[NewRanking]) -> None:
    rows = []
    for ranking in rankings:
        if ranking.is_current:
            strict, ties = pairs(ranking.tiers)
            ids = ranking.task.completion_ids
            rows += [(ranking.id, ids[i], ids[j], False) for i, j in strict]
            rows += [(ranking.id, ids[i], ids[j], True) for i, j in ties]
    copy_rows(Comparison, ("ranking", "preferred", "rejected", "tie"), rows)
