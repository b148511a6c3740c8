"""Kind "gold": tasks with an expert's order, which measure whoever ranks them (annotation.checking.control)."""

from collections.abc import Mapping, Sequence

from annotation import locks
from annotation.files.intake import prompts, tasks
from annotation.files.intake.desk import Desk, Numbered
from annotation.files.jsonl.errors import BadField
from annotation.files.jsonl.records import TaskLine
from annotation.models import Slot, Task
from annotation.preferences.tiers import in_places
from annotation.quality import upkeep


def store(desk: Desk, lines: Sequence[Numbered[TaskLine]]) -> None:
    """Make gold tasks. One that is here to be ranked becomes gold as control.mark_gold makes it: without slots.

    Locks the slots and the tasks of those.
    """
    admitted, facts = tasks.admit(desk, lines)
    good = [line for _, line in prompts.admit(desk, _agreeing(desk, admitted, facts))]
    stored = prompts.ensure(desk, good)
    placed = tasks.ensure(desk, good, facts, stored)
    tasks.complete(desk, good, placed, stored)
    new_keys = {key for key, task in placed.items() if task.is_new}
    plain = {key for key in placed.keys() - new_keys if facts[key].purpose != Task.Purpose.GOLD}
    _mark(
        desk,
        {placed[line.key].id: _expert(line, placed[line.key].members) for line in good if line.key in plain},
    )
    desk.report.added += len(new_keys | plain)
    desk.report.already += len(good) - len(new_keys | plain)


def _agreeing(
    desk: Desk, lines: Sequence[Numbered[TaskLine]], facts: Mapping[str, tasks.Facts]
) -> list[Numbered[TaskLine]]:
    """Those that say what the database and the lines before say of their expert's order."""
    golden = Task.objects.filter(project=desk.project, key__among={line.key for _, line in lines})
    orders = dict(golden.filter(purpose=Task.Purpose.GOLD).values_list("key", "gold_tiers"))
    good = []
    for number, line in lines:
        known = facts[line.key]
        order = _expert(line, known.members)
        if known.kind != Task.Kind.RANK or known.purpose not in {Task.Purpose.COLLECT, Task.Purpose.GOLD}:
            desk.report.refuse(number, BadField("task", f"{line.key!r} is here for something else"))
        elif orders.setdefault(line.key, order) != order:
            desk.report.refuse(number, BadField("completions", "are in another expert's order already"))
        else:
            good.append(Numbered(number, line))
    return good


def _expert(line: TaskLine, members: Sequence[tasks.Member]) -> list[int]:
    """The expert's order by the task's places."""
    assert line.expert is not None  # of this kind they all have one
    return in_places(line.expert, [value.member for value in line.completions], members)


def _mark(desk: Desk, orders: Mapping[int, list[int]]) -> None:
    """Make stored tasks gold, by id."""
    slots = locks.rows(Slot.objects.filter(task__in=list(orders)))
    locked = locks.rows(Task.objects.filter(pk__in=list(orders)))
    for task in locked:
        task.purpose, task.gold_tiers = Task.Purpose.GOLD, orders[task.pk]
    Task.objects.bulk_update(locked, ["purpose", "gold_tiers"], batch_size=500)
    upkeep.changed(project_id=desk.project.pk, task_ids=[task.pk for task in locked])
    Slot.objects.filter(pk__in=[slot.pk for slot in slots]).delete()
