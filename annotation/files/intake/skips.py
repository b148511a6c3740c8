"""Kind "skips": tasks that annotators passed over, so that nobody is asked for one again."""

from collections.abc import Sequence

from annotation.files.intake import again, names, prompts, tasks
from annotation.files.intake.copying import restored_ids
from annotation.files.intake.desk import Desk, Numbered
from annotation.files.jsonl.records import SkipLine
from annotation.models import Assignment


def store(desk: Desk, lines: Sequence[Numbered[SkipLine]]) -> None:
    """Store skips of tasks that their annotator does not hold, has not judged and has not skipped."""
    admitted, facts = tasks.admit(desk, lines)
    admitted = prompts.admit(desk, again.admit(desk, admitted, facts))
    good = [line for _, line in names.admit_annotators(desk, admitted)]
    placed = again.ensure(desk, good, tasks.ensure(desk, good, facts, prompts.ensure(desk, good)))
    skips = {
        (placed[line.key, line.purpose].id, desk.annotators[line.annotator or ""].id): (
            line,
            _shown(line, placed[line.key, line.purpose]),
        )
        for line in good
    }
    assignments = Assignment.objects.filter(
        task__id__among={task for task, _ in skips}, status__in=Assignment.HOLDING
    )
    known = set(assignments.values_list("task_id", "annotator_id"))
    fresh = {who: line_and_order for who, line_and_order in skips.items() if who not in known}
    public_ids = restored_ids(Assignment, [line.provenance.id for line, _ in fresh.values()])
    Assignment.objects.bulk_create(
        [
            _skipped(desk, public_id, who, *line_and_order)
            for public_id, (who, line_and_order) in zip(public_ids, fresh.items(), strict=True)
        ],
        batch_size=500,
    )
    desk.report.added += len(fresh)
    desk.report.already += len(good) - len(fresh)


def _shown(line: SkipLine, task: tasks.Placed) -> list[int]:
    """In which order the places of the task were seen."""
    order = line.provenance.order_shown or range(len(line.completions))
    return [task.members.index(line.completions[index].member) for index in order]


def _skipped(
    desk: Desk, public_id: str, who: tuple[int, int], line: SkipLine, shown: list[int]
) -> Assignment:
    provenance = line.provenance
    return Assignment(
        public_id=public_id,
        project=desk.project,
        task_id=who[0],
        annotator_id=who[1],
        status=Assignment.Status.SKIPPED,
        reason=line.reason,
        order_shown=shown,
        opened_at=provenance.created_at or desk.now,
        expires_at=provenance.closed_at or desk.now,
        closed_at=provenance.closed_at or desk.now,
    )
