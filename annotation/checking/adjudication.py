"""Tasks whose annotators disagree, and a researcher's decision on them.

The decision is a ranking of a task of its own, which points at the first: what annotators said stays as they said it,
and a researcher who annotates too keeps their own ranking. Where the project says so, snapshots hold the decision
instead (annotation.files.snapshots.trainable); agreement and exports of rankings never do.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef

from annotation import locks, people
from annotation.checking import control
from annotation.collecting.ranking import checked_tiers, store
from annotation.errors import BadRequest
from annotation.files.snapshots import judged
from annotation.models import Annotator, Assignment, Project, Ranking, Slot, Task
from annotation.preferences.estimates import pairwise_agreement
from runs.writing import write

# How many of the newest tasks are looked through for those that disagree.
MOST_TASKS = 2000
ADJUDICATION = Task.Purpose.ADJUDICATION


class Disagreement(NamedTuple):
    """A task whose annotators agree on the share ``agreement`` of pairs, and the rankings, one each."""

    task: Task
    agreement: float
    rankings: list[Ranking]


def undecided(*, project: Project, most: int = 20) -> list[Disagreement]:
    """Tasks below the project's threshold that all annotators are done with and nobody decided, the worst first."""
    if project.adjudicate_below is None:
        return []
    by_task = defaultdict(list)
    rows = judged(project).filter(task__in=_done(project), verdict=Ranking.Verdict.RANKED)
    for ranking in rows.select_related("annotator", "task__prompt").order_by("pk"):
        by_task[ranking.task_id].append(ranking)
    disagreements = [
        Disagreement(rankings[0].task, agreement, rankings)
        for rankings in by_task.values()
        if (agreement := pairwise_agreement([one.tiers for one in rankings])) is not None
        and agreement < project.adjudicate_below
    ]
    return sorted(disagreements, key=lambda one: (one.agreement, -one.task.pk))[:most]


def _done(project: Project) -> list[int]:
    """The newest tasks whose slots are all taken, that nobody has in hand and nobody decided."""
    of_task = {"task": OuterRef("pk")}
    decided = Ranking.objects.current().filter(task__repeats=OuterRef("pk"), task__purpose=ADJUDICATION)
    rows = Task.objects.collected().filter(
        ~Exists(Slot.objects.filter(**of_task, annotator=None)),
        ~Exists(Assignment.objects.open().filter(**of_task)),
        ~Exists(decided),
        project=project,
    )
    return list(rows.order_by("-pk").values_list("pk", flat=True)[:MOST_TASKS])


def decide(*, project: Project, task: Task, user: User, ranks: Sequence[int], rationale: str = "") -> Ranking:
    """Store a researcher's order of the task's completions, under a pseudonym. Raises BadRequest, BadRanking."""
    by = people.annotator_for(project=project, user=user)
    return _decide(task=task, by=by, ranks=ranks, rationale=rationale)


@write
def _decide(*, task: Task, by: Annotator, ranks: Sequence[int], rationale: str) -> Ranking:
    """Locks the annotator's row and the task of decisions: of two, one decides."""
    locks.annotator(by)
    project = by.project
    if not Task.objects.collected().filter(pk=task.pk, project=project).exists():
        raise BadRequest("This is not a task of the project that can be decided.")
    decision_task = control.asked_again(task_id=task.pk, purpose=ADJUDICATION)
    locks.rows(Task.objects.filter(pk=decision_task.pk))
    if Ranking.objects.current().filter(task=decision_task).exists():
        raise BadRequest("Somebody decided this task a moment ago.")
    ranking = Ranking(
        project=project,
        task=decision_task,
        annotator=by,
        verdict=Ranking.Verdict.RANKED,
        tiers=checked_tiers(Ranking.Verdict.RANKED, ranks, len(decision_task.texts)),
        rationale=rationale,
        guideline_version=project.guideline_version,
    )
    store(ranking)
    return ranking
