"""Write a ranking with its comparisons: the only place where either is stored one at a time.

The import writes many at once (annotation.intake); both take their pairs from ``preferences.tiers``.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from annotation import standing, tallies
from annotation.errors import BadRanking, BadRequest, LeaseOver
from annotation.models import Annotator, Assignment, Comparison, Ranking, Slot, TaskCompletion
from annotation.preferences.tiers import dense, pairs

Verdict = Ranking.Verdict
# How long an annotator may change their mind.
REVISABLE = timedelta(days=1)


def comparisons_of(ranking: Ranking, completion_ids: Sequence[int]) -> list[Comparison]:
    """The unsaved comparisons of a ranking; ``completion_ids`` in the order of their places in the task."""
    strict, ties = pairs(ranking.tiers)
    return [
        Comparison(
            ranking=ranking, preferred_id=completion_ids[i], rejected_id=completion_ids[j], tie=(i, j) in ties
        )
        for i, j in [*strict, *ties]
    ]


@transaction.atomic
def submit(
    *,
    assignment: Assignment,
    annotator: Annotator,
    verdict: str,
    ranks: Sequence[int] = (),
    confidence: str = "",
    rationale: str = "",
    reason: str = "",
    active_seconds: float | None = None,
) -> Ranking:
    """Store the annotator's ranking of their open assignment, with its comparisons, and close it.

    ``ranks[i]`` belongs to the completion at place i of the task. Locks the assignment's row, so that a
    double submit waits and then gets the first one's ranking back: one judgement, stored once. A lease that
    expired but was not taken by anybody else still counts. A ranking of theirs that a file brought meanwhile is
    superseded.
    Raises BadRanking, LeaseOver.
    """
    locked = (
        Assignment.objects.select_for_update(of=("self",))
        .select_related("task", "project")
        .get(pk=assignment.pk)
    )
    if locked.annotator_id != annotator.pk:
        raise LeaseOver("This task is not yours.")
    if locked.status == Assignment.Status.SUBMITTED:
        return Ranking.objects.get(assignment=locked)
    if locked.status == Assignment.Status.EXPIRED:
        _take_back(locked)
    elif locked.status != Assignment.Status.OPEN:
        raise LeaseOver("You skipped this task or handed it back. Take the next one.")
    completion_ids = _completion_ids(locked.task_id)
    tiers = checked_tiers(verdict, ranks, len(completion_ids))
    ranking = Ranking.objects.create(
        project=locked.project,
        task=locked.task,
        annotator=annotator,
        assignment=locked,
        verdict=verdict,
        tiers=tiers,
        confidence=confidence,
        rationale=rationale,
        order_shown=locked.order_shown,
        active_seconds=active_seconds,
        guideline_version=locked.project.guideline_version,
        supersedes=_imported_meanwhile(locked),
        metadata=_reason(verdict, reason),
    )
    Comparison.objects.bulk_create(comparisons_of(ranking, completion_ids))
    tallies.changed(project_id=locked.project_id, task_ids=[locked.task_id])
    Assignment.objects.filter(pk=locked.pk).update(
        status=Assignment.Status.SUBMITTED, closed_at=Now(), draft={}
    )
    standing.consider(ranking=ranking)
    return ranking


def revisable(annotator: Annotator) -> Ranking | None:
    """The annotator's newest ranking made here, while it may still be changed."""
    since = Now() - REVISABLE
    own = Ranking.objects.current().filter(annotator=annotator, order_shown__isnull=False, import_key=None)
    return own.filter(created_at__gte=since).select_related("task__prompt", "project").order_by("-pk").first()


@transaction.atomic
def revise(
    *,
    ranking: Ranking,
    verdict: str,
    ranks: Sequence[int] = (),
    confidence: str = "",
    rationale: str = "",
    reason: str = "",
    active_seconds: float | None = None,
) -> Ranking:
    """Put another judgement in the place of ``ranking``, which stays, superseded and without its comparisons.

    Locks the ranking's row: of two revisions at once the second is refused. Raises BadRanking, BadRequest.
    """
    held = Ranking.objects.select_for_update(of=("self",)).select_related("project", "task")
    old = held.get(pk=ranking.pk)
    if not old.is_current:
        raise BadRequest("You changed this ranking a moment ago, maybe in another tab. Open it again.")
    completion_ids = _completion_ids(old.task_id)
    tiers = checked_tiers(verdict, ranks, len(completion_ids))
    _retire(old)
    new = Ranking.objects.create(
        project=old.project,
        task=old.task,
        annotator_id=old.annotator_id,
        verdict=verdict,
        tiers=tiers,
        confidence=confidence,
        rationale=rationale,
        order_shown=old.order_shown,
        active_seconds=active_seconds,
        guideline_version=old.project.guideline_version,
        supersedes=old,
        metadata=_reason(verdict, reason),
    )
    Comparison.objects.bulk_create(comparisons_of(new, completion_ids))
    tallies.changed(project_id=old.project_id, task_ids=[old.task_id])
    standing.consider(ranking=new)
    return new


def _imported_meanwhile(assignment: Assignment) -> Ranking | None:
    """The annotator's ranking that a file brought while they held the task; it gives way to their own."""
    held = Ranking.objects.current().select_for_update(of=("self",))
    old = held.filter(task=assignment.task_id, annotator=assignment.annotator_id).first()
    if old is not None:
        _retire(old)
    return old


def _retire(ranking: Ranking) -> None:
    """It stays as it is, but nothing follows from it any more."""
    Ranking.objects.filter(pk=ranking.pk).update(is_current=False)
    ranking.comparisons.all().delete()


def _take_back(assignment: Assignment) -> None:
    """Take a free slot for an expired assignment. Locks the annotator's row, as a claim does. Raises LeaseOver."""
    Annotator.objects.select_for_update().get(pk=assignment.annotator_id)
    again = Assignment.objects.filter(
        task=assignment.task_id, annotator=assignment.annotator_id, status__in=Assignment.HOLDING
    )
    free = Slot.objects.select_for_update(skip_locked=True).filter(task=assignment.task_id, annotator=None)
    if assignment.task.is_check and not again.exists():
        return  # it has no slots: nobody else can have taken its place
    slot = None if again.exists() else free.first()
    if slot is None:
        raise LeaseOver("This task went back to the queue, and others have it now. Take the next one.")
    slot.annotator_id = assignment.annotator_id
    slot.save(update_fields=["annotator"])


def _completion_ids(task_id: int) -> list[int]:
    """A task's completions in the order of their places."""
    entries = TaskCompletion.objects.filter(task=task_id).order_by("position")
    return list(entries.values_list("completion_id", flat=True))


def says_the_same(ranking: Ranking, *, verdict: str, ranks: Sequence[int]) -> bool:
    """Whether a judgement is the one that ``ranking`` stores already."""
    tiers = dense(ranks) if verdict == Verdict.RANKED else []
    return ranking.verdict == verdict and list(ranking.tiers) == list(tiers)


def checked_tiers(verdict: str, ranks: Sequence[int], completions: int) -> list[int]:
    """Dense tiers of a whole order, or [] for a verdict without one. Raises BadRanking."""
    if verdict not in Verdict.values:
        raise BadRanking(f"The verdict must be one of {', '.join(Verdict.values)}.")
    if verdict != Verdict.RANKED:
        return []
    if len(ranks) != completions:
        raise BadRanking(f"Place all {completions} completions before you submit.")
    try:
        return dense(ranks)
    except ValueError as error:
        raise BadRanking(f"{error}.") from error


def _reason(verdict: str, reason: str) -> dict[str, Any]:
    if verdict == Verdict.RANKED:
        return {}
    if not reason.strip():
        raise BadRanking("Say in a few words why none of them can be ranked.")
    return {"reason": reason.strip()}
