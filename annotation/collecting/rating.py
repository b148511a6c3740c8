"""Write ratings: every completion of a task on every axis of the project, in one answer.

A score that is changed later supersedes the one before; those that stay the same stay as they are.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from django.db.models import QuerySet

from annotation.collecting import holding
from annotation.errors import BadRating, BadRequest
from annotation.models import Annotator, Assignment, Project, Rating, Task, TaskCompletion
from annotation.preferences.axes import Axis, read_axes
from runs.writing import write

# Of the completion at each place of the task: its score by axis, None for "cannot say".
Scores = Sequence[Mapping[str, int | None]]


class Cell(NamedTuple):
    """One completion on one axis."""

    completion_id: int
    axis: str


def axes_of(project: Project) -> list[Axis]:
    """The project's axes, in their order."""
    return read_axes(project.rating_axes)


@write
def submit(
    *,
    assignment: Assignment,
    annotator: Annotator,
    scores: Scores,
    active_seconds: float | None = None,
    guidelines_shown: int | None = None,
) -> list[Rating]:
    """Store the annotator's scores of their open assignment, and close it. Locks the assignment's row.

    ``guidelines_shown`` is the version that stood beside them (holding.judged_under).
    A double submit gets the first one's ratings back. Raises BadRating, BadRequest, LeaseOver.
    """
    locked = holding.hold(assignment=assignment, annotator=annotator, kind=Task.Kind.RATE)
    if locked.status == Assignment.Status.SUBMITTED:
        stored = list(current(locked))
        for one in stored:
            one.assignment = locked
        return stored
    cells = _checked(locked, scores)
    version = holding.judged_under(locked.project, locked.annotator, guidelines_shown)
    ratings = [_rating(locked, cell, score, active_seconds, version) for cell, score in cells.items()]
    Rating.objects.bulk_create(ratings)
    holding.close(locked)
    return ratings


def current(assignment: Assignment) -> QuerySet[Rating]:
    """The scores that stand in an answer."""
    return Rating.objects.current().filter(assignment=assignment).order_by("pk")


def says_the_same(ratings: Sequence[Rating], scores: Scores) -> bool:
    """Whether ``scores`` are those that an answer stores already."""
    stored = {Cell(rating.completion_id, rating.axis): rating.score for rating in ratings}
    entries = TaskCompletion.objects.filter(task__assignments=ratings[0].assignment_id)
    ids = entries.order_by("position").values_list("completion_id", flat=True)
    return stored == {
        Cell(completion_id, axis): score
        for completion_id, by_axis in zip(ids, scores, strict=True)
        for axis, score in by_axis.items()
    }


def revisable(annotator: Annotator) -> QuerySet[Assignment]:
    """The annotator's answers that may still be changed: while the project allows it, the newest first."""
    submissions = Assignment.objects.filter(
        annotator=annotator, task__kind=Task.Kind.RATE, status=Assignment.Status.SUBMITTED
    )
    return (
        submissions.filter(closed_at__gte=annotator.project.revisable_since)
        .select_related("task__prompt")
        .order_by("-closed_at")
    )


@write
def revise(
    *,
    assignment: Assignment,
    annotator: Annotator,
    scores: Scores,
    active_seconds: float | None = None,
    guidelines_shown: int | None = None,
) -> list[Rating]:
    """Put other scores in the place of those that differ; returns the new ones.

    Locks the assignment's row: of two revisions at once the second changes what the first left. Raises BadRating,
    BadRequest, LeaseOver.
    """
    locked = holding.hold(assignment=assignment, annotator=annotator, kind=Task.Kind.RATE)
    if locked.status != Assignment.Status.SUBMITTED:
        raise BadRequest("This task is not rated yet.")
    old = {Cell(rating.completion_id, rating.axis): rating for rating in current(locked)}
    cells = _checked(locked, scores)
    changed = {c: score for c, score in cells.items() if c not in old or old[c].score != score}
    retired = [old[cell].pk for cell in changed if cell in old]
    Rating.objects.filter(pk__in=retired).update(is_current=False)
    version = holding.judged_under(locked.project, locked.annotator, guidelines_shown)
    ratings = [
        _rating(locked, cell, score, active_seconds, version, old.get(cell))
        for cell, score in changed.items()
    ]
    return Rating.objects.bulk_create(ratings)


def _rating(
    assignment: Assignment,
    cell: Cell,
    score: int | None,
    active_seconds: float | None,
    guideline_version: int,
    supersedes: Rating | None = None,
) -> Rating:
    return Rating(
        project=assignment.project,
        completion_id=cell.completion_id,
        annotator_id=assignment.annotator_id,
        assignment=assignment,
        axis=cell.axis,
        score=score,
        active_seconds=active_seconds,
        guideline_version=guideline_version,
        supersedes=supersedes,
    )


def _checked(assignment: Assignment, scores: Scores) -> dict[Cell, int | None]:
    """A score a completion and axis, the completions in the order of their places. Raises BadRating."""
    entries = TaskCompletion.objects.filter(task=assignment.task_id).order_by("position")
    completion_ids = list(entries.values_list("completion_id", flat=True))
    if len(scores) != len(completion_ids):
        raise BadRating(f"Rate all {len(completion_ids)} completions before you submit.")
    axes = axes_of(assignment.project)
    return {
        Cell(completion_id, axis.name): _checked_score(axis, by_axis)
        for completion_id, by_axis in zip(completion_ids, scores, strict=True)
        for axis in axes
    }


def _checked_score(axis: Axis, by_axis: Mapping[str, int | None]) -> int | None:
    if axis.name not in by_axis:
        raise BadRating(f"{axis.label} has no score yet.")
    score = by_axis[axis.name]
    if score is None and axis.required:
        raise BadRating(f"{axis.label} needs a score.")
    if score is not None and score not in axis.steps:
        raise BadRating(f"{axis.label} goes from {axis.least} to {axis.most}.")
    return score
