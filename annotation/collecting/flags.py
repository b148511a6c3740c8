"""Flags: what annotators and the import say that somebody should look at, and what became of it.

raise_flag    an annotator at their task, which they keep or pass on
flag_tasks    a researcher, at many tasks at once
resolve       a researcher, in words

Completions whose text names its model are flagged as they come in (annotation.files.intake.flagging).
"""

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.db.models.functions import Now

from annotation import locks
from annotation.collecting import queue
from annotation.errors import BadRequest, LeaseOver
from annotation.models import Annotator, Assignment, Completion, Flag, Task
from runs.writing import write

MOST_WORDS = 500
# Tasks that are flagged in one go: as many as somebody could still look through.
MOST_AT_ONCE = 1000


@write
def raise_flag(
    *, assignment: Assignment, annotator: Annotator, category: str, words: str = "", passing: bool = False
) -> Flag:
    """Flag the task in the annotator's hands; ``passing`` skips it too, for that reason.

    Flagging it again for the same reason changes the words; what was resolved stays so, and another flag is raised.
    Locks the annotator's row and the assignment's. Raises LeaseOver, BadRequest.
    """
    words = _checked(category, words)
    locks.annotator(annotator)
    open_assignments = (
        Assignment.objects.open().select_for_update(of=("self",), no_key=True).select_related("task")
    )
    locked = open_assignments.filter(pk=assignment.pk, annotator=annotator).first()
    if locked is None:
        raise LeaseOver("This task is not in your hands any more. Take the next one.")
    flag, _ = Flag.objects.open().update_or_create(
        task=locked.task,
        annotator=annotator,
        category=category,
        defaults={
            "project_id": locked.project_id,
            "prompt_id": locked.task.prompt_id,
            "words": words,
        },
    )
    if passing:
        label = Flag.Category(category).label
        queue.skip(assignment=locked, annotator=annotator, reason=f"{label}: {words}" if words else label)
    return flag


@write
def flag_tasks(*, tasks: "QuerySet[Task]", by: Annotator, category: str, words: str = "") -> int:
    """Flag these tasks of the project of whoever does it; returns how many were not flagged so by them already.

    Locks the annotator's row. Raises BadRequest, and where there are more than MOST_AT_ONCE.
    """
    words = _checked(category, words)
    locks.annotator(by)
    rows = list(tasks.filter(project=by.project_id).values_list("pk", "prompt_id")[: MOST_AT_ONCE + 1])
    if len(rows) > MOST_AT_ONCE:
        raise BadRequest(f"These are more than {MOST_AT_ONCE:,} tasks: narrow the list down.")
    flagged = Flag.objects.open().filter(task__in=[pk for pk, _ in rows], annotator=by, category=category)
    known = set(flagged.values_list("task_id", flat=True))
    fresh = [
        Flag(
            project_id=by.project_id,
            prompt_id=prompt,
            task_id=pk,
            annotator=by,
            category=category,
            words=words,
        )
        for pk, prompt in rows
        if pk not in known
    ]
    return len(Flag.objects.bulk_create(fresh))


def _checked(category: str, words: str) -> str:
    """The words as they are kept. Raises BadRequest."""
    words = words.strip()[:MOST_WORDS]
    if category not in Flag.Category.values:
        raise BadRequest(f"The reason must be one of {', '.join(Flag.Category.values)}.")
    if category == Flag.Category.OTHER and not words:
        raise BadRequest("Say in a few words what is wrong.")
    return words


@write
def resolve(*, flags: Sequence[Flag], resolution: str, by: User) -> int:
    """Close open flags with what became of them; returns how many were open. Raises BadRequest without words."""
    if not resolution.strip():
        raise BadRequest("Say in a few words what became of it.")
    rows = Flag.objects.open().filter(pk__in=[flag.pk for flag in flags])
    return rows.update(resolved_at=Now(), resolved_by=by, resolution=resolution.strip())


def completions_of(flag: Flag) -> list[Completion]:
    """The texts that a flag is about: one, or all of its task."""
    if flag.completion is not None:
        return [flag.completion]
    assert flag.task is not None  # a constraint holds it
    return [entry.completion for entry in flag.task.entries.all()]
