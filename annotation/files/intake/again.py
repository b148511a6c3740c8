"""Lines about tasks that are asked again, to measure or to decide: a line names the first, and its purpose."""

from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from annotation.files.intake.copying import restored_ids
from annotation.files.intake.desk import Desk, Numbered
from annotation.files.intake.tasks import Facts, Placed, copy_entries
from annotation.files.jsonl.errors import BadField
from annotation.files.jsonl.records import FlagLine, RankingLine, SkipLine
from annotation.models import Ranking, Task

Purpose = Task.Purpose
AGAIN = (Purpose.REPEAT, Purpose.ADJUDICATION)
A = TypeVar("A", RankingLine, FlagLine, SkipLine)
# A task's key as lines name it, and what they ask it for.
KeyAndPurpose = tuple[str, str]


def admit(desk: Desk, lines: Sequence[Numbered[A]], facts: Mapping[str, Facts]) -> list[Numbered[A]]:
    """The lines whose task is what they say it is, of which each decision is the only one on its task."""
    decided = _decided(desk, {line.key for _, line in lines if line.purpose == Purpose.ADJUDICATION})
    good = []
    for number, line in lines:
        purpose = facts[line.key].purpose
        if line.purpose == Purpose.GOLD and purpose != Purpose.GOLD:
            reason = f"{line.key!r} is not gold here: import kind gold first"
        elif purpose in AGAIN:
            reason = f"{line.key!r} asks another task again: name that one"
        elif isinstance(line, RankingLine) and line.purpose == Purpose.ADJUDICATION and line.key in decided:
            reason = f"{line.key!r} is decided already"
        else:
            good.append(Numbered(number, line))
            if isinstance(line, RankingLine) and line.purpose == Purpose.ADJUDICATION:
                decided.add(line.key)
            continue
        desk.report.refuse(number, BadField("task", reason))
    return good


def _decided(desk: Desk, keys: Collection[str]) -> set[str]:
    if not keys:
        return set()
    decisions = Ranking.objects.current().filter(task__purpose=Purpose.ADJUDICATION, project=desk.project)
    rows = decisions.filter(task__repeats__key__among=keys)
    return set(rows.values_list("task__repeats__key", flat=True))


def ensure(desk: Desk, lines: Sequence[A], firsts: Mapping[str, Placed]) -> dict[KeyAndPurpose, Placed]:
    """The task of each line by what it asks: the first itself, or the one that asks it again, found or made."""
    placed = {(line.key, line.purpose): firsts[line.key] for line in lines if line.purpose not in AGAIN}
    for purpose in AGAIN:
        by_key = {line.key: line for line in lines if line.purpose == purpose}
        if by_key:
            ids, new_ids = _ensure_repeats(
                desk, purpose, {firsts[key].id: line for key, line in by_key.items()}
            )
            for key in by_key:
                first = firsts[key]
                again = first._replace(id=ids[first.id], is_new=ids[first.id] in new_ids)
                placed[key, purpose] = again
            # The same completions at the same places.
            copy_entries(
                task for (_, task_purpose), task in placed.items() if task_purpose == purpose and task.is_new
            )
    return placed


def _ensure_repeats(desk: Desk, purpose: str, lines: Mapping[int, A]) -> tuple[dict[int, int], set[int]]:
    """The id of the task that asks each first again, and which of them are new. Of two makers at once one makes it."""
    rows = Task.objects.filter(repeats__id__among=list(lines), purpose=purpose)
    known = set(rows.values_list("repeats_id", flat=True))
    missing = list(Task.objects.filter(pk__among=[pk for pk in lines if pk not in known]))
    public_ids = restored_ids(Task, [lines[first.pk].provenance.again for first in missing])
    Task.objects.bulk_create(
        (
            Task(
                public_id=public_id,
                project=desk.project,
                prompt_id=first.prompt_id,
                key=f"{purpose}:{first.public_id}",
                purpose=purpose,
                repeats=first,
            )
            for first, public_id in zip(missing, public_ids, strict=True)
        ),
        batch_size=500,
        ignore_conflicts=True,
    )
    stored = list(rows.values_list("repeats_id", "id", "public_id"))
    ours = {UUID(public_id) for public_id in public_ids}
    return {first: pk for first, pk, _ in stored}, {pk for _, pk, public_id in stored if public_id in ours}
