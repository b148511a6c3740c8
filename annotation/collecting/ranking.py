"""Write a ranking with its comparisons: the only place where either is stored one at a time.

The import writes many at once (annotation.files.intake); both take their pairs from ``preferences.tiers``.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models.functions import Now

from annotation import locks, rows
from annotation.checking import standing
from annotation.collecting import holding
from annotation.errors import BadRanking, BadRequest
from annotation.models import Annotator, Assignment, Comparison, Ranking, Task
from annotation.models.judgement import RankingQuerySet
from annotation.preferences.tiers import dense, pairs
from annotation.quality import upkeep
from runs.writing import write

Verdict = Ranking.Verdict
# How long an annotator may change their mind.
REVISABLE = timedelta(days=1)
# Slightly better, better, much better.
STRENGTHS = (1, 2, 3)


def store_comparisons(ranking: Ranking, completion_ids: Sequence[int]) -> None:
    """Write what a ranking says of pairs; ``completion_ids`` in the order of their places in the task."""
    strict, ties = pairs(ranking.tiers)
    both = [*strict, *ties]
    with connection.cursor() as cursor:
        cursor.execute(
            _STORE,
            {
                "ranking": ranking.pk,
                "preferred": [completion_ids[i] for i, _ in both],
                "rejected": [completion_ids[j] for _, j in both],
                "ties": [False] * len(strict) + [True] * len(ties),
            },
        )


_STORE = """
    INSERT INTO annotation_comparison (ranking_id, preferred_id, rejected_id, tie)
    SELECT %(ranking)s, * FROM unnest(%(preferred)s::bigint[], %(rejected)s::bigint[], %(ties)s::bool[])
"""


@write
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
    strength: float | None = None,
) -> Ranking:
    """Store the annotator's ranking of their open assignment, with its comparisons, and close it.

    ``ranks[i]`` belongs to the completion at place i of the task; ``strength`` says of two how much better one is
    (1 slightly, 2 better, 3 much). Locks the assignment's row, so that a
    double submit waits and then gets the first one's ranking back: one judgement, stored once. A lease that
    expired but was not taken by anybody else still counts. A ranking of theirs that a file brought meanwhile is
    superseded.
    Raises BadRanking, BadRequest, LeaseOver.
    """
    locked = holding.hold(assignment=assignment, annotator=annotator, kind=Task.Kind.RANK)
    if locked.status == Assignment.Status.SUBMITTED:
        return Ranking.objects.get(assignment=locked)
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
        supersedes_id=_imported_meanwhile(locked),
        metadata=_reason(verdict, reason),
        strength=_checked_strength(strength, tiers),
    )
    store_comparisons(ranking, completion_ids)
    upkeep.changed(project_id=locked.project_id, task_ids=[locked.task_id])
    holding.close(locked)
    standing.consider(ranking=ranking)
    return ranking


def revisable(annotator: Annotator) -> Ranking | None:
    """The annotator's newest ranking made here, while it may still be changed."""
    return all_revisable(annotator).first()


def all_revisable(annotator: Annotator) -> RankingQuerySet:
    """The annotator's own rankings that may still be changed: made here within the last day, the newest first."""
    since = Now() - REVISABLE
    rankings = Ranking.objects.current().filter(
        annotator=annotator, order_shown__isnull=False, import_key=None
    )
    return rankings.filter(created_at__gte=since).select_related("task__prompt", "project").order_by("-pk")


@write
def revise(
    *,
    ranking: Ranking,
    verdict: str,
    ranks: Sequence[int] = (),
    confidence: str = "",
    rationale: str = "",
    reason: str = "",
    active_seconds: float | None = None,
    strength: float | None = None,
) -> Ranking:
    """Put another judgement in the place of ``ranking``, which stays, superseded and without its comparisons.

    Locks the annotator's row and the ranking's: of two revisions at once the second is refused. Raises BadRanking,
    BadRequest.
    """
    locks.annotator(ranking.annotator)
    locked_rows = Ranking.objects.select_for_update(of=("self",), no_key=True).select_related(
        "project", "task"
    )
    old = locked_rows.get(pk=ranking.pk)
    if not old.is_current:
        raise BadRequest("You changed this ranking a moment ago, maybe in another tab. Open it again.")
    completion_ids = _completion_ids(old.task_id)
    tiers = checked_tiers(verdict, ranks, len(completion_ids))
    _retire(old.pk)
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
        strength=_checked_strength(strength, tiers),
    )
    store_comparisons(new, completion_ids)
    upkeep.changed(project_id=old.project_id, task_ids=[old.task_id])
    standing.consider(ranking=new)
    return new


def _imported_meanwhile(assignment: Assignment) -> int | None:
    """The annotator's ranking that a file brought while they held the task; it gives way to their own."""
    (pk,) = rows.values(_CURRENT, task=assignment.task_id, annotator=assignment.annotator_id)
    if pk is None:
        return None
    locks.rows(Ranking.objects.filter(pk=pk))
    _retire(pk)
    return int(pk)


_CURRENT = """
    SELECT (SELECT id FROM annotation_ranking
        WHERE task_id = %(task)s AND annotator_id = %(annotator)s AND is_current)
"""


def _retire(ranking_id: int) -> None:
    """It stays as it is, but nothing follows from it any more."""
    Ranking.objects.filter(pk=ranking_id).update(is_current=False)
    Comparison.objects.filter(ranking=ranking_id).delete()


def _completion_ids(task_id: int) -> list[int]:
    """A task's completions in the order of their places."""
    return list(rows.column(_COMPLETIONS, task=task_id))


_COMPLETIONS = """
    SELECT completion_id FROM annotation_taskcompletion WHERE task_id = %(task)s ORDER BY position
"""


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


def _checked_strength(strength: float | None, tiers: Sequence[int]) -> float | None:
    """How much better, of a pair that is no tie. Raises BadRanking."""
    if strength is None:
        return None
    if sorted(tiers) != [1, 2] or strength not in STRENGTHS:
        raise BadRanking(
            "How much better one is can be said of two completions that are not tied: 1, 2 or 3."
        )
    return float(strength)


def _reason(verdict: str, reason: str) -> dict[str, Any]:
    if verdict == Verdict.RANKED:
        return {}
    if not reason.strip():
        raise BadRanking("Say in a few words why none of them can be ranked.")
    return {"reason": reason.strip()}
