"""Write a ranking with its comparisons: the only place where either is stored one at a time.

The import writes many at once (annotation.files.intake); both take their pairs from ``preferences.tiers``.
"""

import json
from collections.abc import Sequence
from typing import Any

from annotation import locks
from annotation.checking import standing
from annotation.collecting import holding
from annotation.errors import BadRanking, BadRequest
from annotation.models import Annotator, Assignment, Comparison, Ranking, Task
from annotation.models.judgement import RankingQuerySet
from annotation.preferences.tiers import dense, pairs
from annotation.rows import Rows
from annotation.webhooks import telling
from runs.writing import write

Verdict = Ranking.Verdict
# Slightly better, better, much better.
STRENGTHS = (1, 2, 3)


def store(ranking: Ranking) -> bool:
    """Write a ranking with what it says of pairs, put its task on the list of those to be counted anew, and close the
    assignment that it answers, if any: at once.

    False, with nothing written, where its annotator has a current one of the task.
    """
    strict, ties = pairs(ranking.tiers)
    both = [*strict, *ties]
    values = {field.attname: getattr(ranking, field.attname) for field in Ranking._meta.concrete_fields}
    stored = _STORE.first(
        **values | {"metadata": json.dumps(ranking.metadata)},
        preferred=[i for i, _ in both],
        rejected=[j for _, j in both],
        ties=[False] * len(strict) + [True] * len(ties),
        project=ranking.project_id,
        annotator=ranking.annotator_id,
        assignment=ranking.assignment_id,
    )
    if stored is None:
        return False
    for field in Ranking._meta.concrete_fields:
        setattr(ranking, field.attname, getattr(stored, field.attname))
    ranking._state.adding, ranking._state.db = False, stored._state.db
    if ranking.assignment is not None:
        known = vars(stored)
        holding.closed(ranking.assignment, heard=known["heard"], others_open=known["others_open"])
    return True


_STORE = Rows(
    Ranking,
    f"""
    WITH ranking AS (
        INSERT INTO annotation_ranking (
            public_id, project_id, task_id, annotator_id, assignment_id, verdict, tiers, confidence, rationale,
            strength, order_shown, active_seconds, guideline_version, supersedes_id, is_current, external_id, metadata
        )
        SELECT %(public_id)s, %(project_id)s, %(task_id)s, %(annotator_id)s, %(assignment_id)s::bigint, %(verdict)s,
            %(tiers)s::smallint[], %(confidence)s, %(rationale)s, %(strength)s::float8, %(order_shown)s::smallint[],
            %(active_seconds)s::float8, %(guideline_version)s, %(supersedes_id)s::bigint, true, %(external_id)s,
            %(metadata)s::jsonb
        WHERE NOT EXISTS (SELECT FROM annotation_ranking
            WHERE task_id = %(task_id)s AND annotator_id = %(annotator_id)s AND is_current)
        RETURNING *
    ), compared AS (
        INSERT INTO annotation_comparison (ranking_id, preferred_id, rejected_id, tie)
        SELECT ranking.id, better.completion_id, worse.completion_id, pair.tie FROM ranking
        CROSS JOIN unnest(%(preferred)s::smallint[], %(rejected)s::smallint[], %(ties)s::bool[])
            AS pair (preferred, rejected, tie)
        JOIN annotation_taskcompletion better ON better.task_id = ranking.task_id AND better.position = pair.preferred
        JOIN annotation_taskcompletion worse ON worse.task_id = ranking.task_id AND worse.position = pair.rejected
    ), changed AS (
        INSERT INTO annotation_staletask (project_id, task_id) SELECT project_id, task_id FROM ranking
    ), answered AS (
        UPDATE annotation_assignment SET {holding.ANSWERED} FROM ranking
        WHERE annotation_assignment.id = ranking.assignment_id
    )
    SELECT [ranking], [heard], [others_open] FROM ranking
    """,  # noqa: S608 (a constant of another module)
    known={"heard": telling.HEARS, "others_open": holding.OTHERS_OPEN},
)


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
    guidelines_shown: int | None = None,
) -> Ranking:
    """Store the annotator's ranking of their open assignment, with its comparisons, and close it.

    ``ranks[i]`` belongs to the completion at place i of the task; ``strength`` says of two how much better one is
    (1 slightly, 2 better, 3 much); ``guidelines_shown`` is the version that
    stood beside it (holding.judged_under). Locks the assignment's row, so that a
    double submit waits and then gets the first one's ranking back: one judgement, stored once. A lease that
    expired but was not taken by anybody else still counts. A ranking of theirs that a file brought meanwhile is
    superseded.
    Raises BadRanking, BadRequest, LeaseOver.
    """
    locked = holding.hold(assignment=assignment, annotator=annotator, kind=Task.Kind.RANK)
    if locked.status == Assignment.Status.SUBMITTED:
        stored = Ranking.objects.get(assignment=locked)
        stored.assignment = locked
        return stored
    tiers = checked_tiers(verdict, ranks, len(locked.order_shown))
    ranking = Ranking(
        project=locked.project,
        task=locked.task,
        annotator=locked.annotator,
        assignment=locked,
        verdict=verdict,
        tiers=tiers,
        confidence=confidence,
        rationale=rationale,
        order_shown=locked.order_shown,
        active_seconds=active_seconds,
        guideline_version=holding.judged_under(locked.project, locked.annotator, guidelines_shown),
        metadata=_reason(verdict, reason),
        strength=_checked_strength(strength, tiers),
    )
    if not store(ranking):
        _supersede_imported(ranking)
    standing.consider(ranking=ranking)
    return ranking


def revisable(annotator: Annotator) -> RankingQuerySet:
    """The annotator's own rankings made here that may still be changed, as the project allows, the newest first."""
    rankings = Ranking.objects.current().filter(
        annotator=annotator, order_shown__isnull=False, import_key=None
    )
    return (
        rankings.filter(created_at__gte=annotator.project.revisable_since)
        .select_related("task__prompt", "project")
        .order_by("-pk")
    )


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
    guidelines_shown: int | None = None,
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
        raise BadRequest("You changed this a moment ago, maybe in another tab. Open it again.")
    tiers = checked_tiers(verdict, ranks, len(old.task.texts))
    _retire(old.pk)
    new = Ranking(
        project=old.project,
        task=old.task,
        annotator=ranking.annotator,
        verdict=verdict,
        tiers=tiers,
        confidence=confidence,
        rationale=rationale,
        order_shown=old.order_shown,
        active_seconds=active_seconds,
        guideline_version=holding.judged_under(old.project, ranking.annotator, guidelines_shown),
        supersedes=old,
        metadata=_reason(verdict, reason),
        strength=_checked_strength(strength, tiers),
    )
    store(new)
    standing.consider(ranking=new)
    return new


def _supersede_imported(ranking: Ranking) -> None:
    """Store it in the place of the ranking that a file brought while its annotator held the task."""
    (imported,) = locks.rows(
        Ranking.objects.current().filter(task=ranking.task_id, annotator=ranking.annotator_id)
    )
    _retire(imported.pk)
    ranking.supersedes = imported
    store(ranking)


def _retire(ranking_id: int) -> None:
    """It stays as it is, but nothing follows from it any more."""
    Ranking.objects.filter(pk=ranking_id).update(is_current=False)
    Comparison.objects.filter(ranking=ranking_id).delete()


def says_the_same(
    ranking: Ranking, *, verdict: str, ranks: Sequence[int], strength: float | None = None
) -> bool:
    """Whether a judgement is the one that ``ranking`` stores already."""
    tiers = dense(ranks) if verdict == Verdict.RANKED else []
    stored = (ranking.verdict, list(ranking.tiers), ranking.strength)
    return stored == (verdict, list(tiers), strength)


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
