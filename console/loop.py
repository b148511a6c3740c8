"""Where a project's loop stands: the numbers of its home, each counted to a bound, whatever the project holds."""

from datetime import timedelta
from typing import Any, NamedTuple

from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone

from annotation import members
from annotation.counting import MOST, Bounded, bounded_at_once, of
from annotation.files import snapshots
from annotation.models import (
    Assignment,
    Demonstration,
    Flag,
    Membership,
    Project,
    Prompt,
    Ranking,
    Slot,
    Task,
)
from annotation.quality import summary
from annotation.withdrawal import lineage
from console.describing import described_runs
from rewardmodel import activation
from rewardmodel.models import RewardModelVersion
from rltrainer import policies
from rltrainer.models import PolicyVersion
from runs.models import Run

WEEK = timedelta(days=7)
Figure = dict[str, Any]


class Judgements(NamedTuple):
    """What people are asked and said."""

    prompts: Bounded
    demonstrations: Bounded
    tasks: Bounded
    free_places: Bounded  # places that nobody holds: judgements that are still to be made
    free_tasks: Bounded  # that these are of
    in_hand: Bounded  # of the tasks
    rankings: Bounded
    simulated: Bounded
    this_week: Bounded
    skipped: Bounded
    flags: Bounded
    annotators: Bounded
    invitations: Bounded
    fresh: Bounded  # rankings that a fit would train on and no version was fitted on
    alpha: Figure | None  # how far people agree beyond chance


class Versions(NamedTuple):
    """What was made of them. ``proposed`` is newer than what is in use, and waits for a person."""

    reward_model: RewardModelVersion | None
    proposed_reward_model: RewardModelVersion | None
    policy: PolicyVersion | None
    proposed_policy: PolicyVersion | None
    simulated: lineage.Simulated


class Loop(NamedTuple):
    """One project, as its home shows it."""

    project: Project
    judgements: Judgements
    versions: Versions
    active_runs: list[Run]
    failed_runs: list[Run]


def of_project(project: Project) -> Loop:
    """In some twenty short queries, however many runs there are."""
    runs = described_runs(project)
    return Loop(
        project,
        _judgements(project),
        versions_of(project),
        list(runs.active()),
        list(runs.filter(status=Run.Status.FAILED, finished_at__gte=timezone.now() - WEEK)[:3]),
    )


def _judgements(project: Project) -> Judgements:
    rankings = Ranking.objects.current().collected().filter(project=project)
    counted = rankings.counted(MOST + 1)
    # A condition on these alone: beside them, it would be looked for in all rankings there are.
    newest = rankings.order_by("-id")[: MOST + 1]
    this_week = Count("pk", filter=Q(created_at__gte=timezone.now() - WEEK))
    tasks = Task.objects.collected().filter(project=project)
    free = Slot.objects.filter(project=project, annotator=None)
    rows: dict[str, QuerySet[Any]] = {
        "prompts": Prompt.objects.kept().filter(project=project),
        "demonstrations": Demonstration.objects.kept().filter(project=project),
        "tasks": tasks,
        "free_places": free,
        "free_tasks": Task.objects.filter(pk__in=free.values("task")[: MOST + 1]),
        "in_hand": tasks.in_hand(),
        "skipped": Assignment.objects.filter(project=project, status=Assignment.Status.SKIPPED),
        "flags": Flag.objects.open().filter(project=project),
        "annotators": members.memberships(project).filter(role=Membership.Role.ANNOTATOR),
        "invitations": members.invitations(project),
    }
    counts = dict(zip(rows, bounded_at_once(*rows.values()), strict=True))
    # Of no more places than are counted: where there are more, there may be more tasks.
    counts["free_tasks"] = counts["free_tasks"]._replace(more=counts["free_places"].more)
    return Judgements(
        **counts,
        rankings=of(counted.rankings),
        simulated=of(counted.simulated),
        this_week=of(newest.aggregate(rankings=this_week)["rankings"]),
        fresh=fresh(project),
        alpha=summary.alpha(project),
    )


def fresh(project: Project) -> Bounded:
    """Rankings that a fit would train on, newer than all that a version was fitted on."""
    return of(snapshots.new_since(project, last_fitted(project), MOST + 1))


def last_fitted(project: Project) -> int:
    """The newest ranking that a version was fitted on; 0 where there is none."""
    versions = RewardModelVersion.objects.filter(project=project)
    return versions.aggregate(last=Max("fit__snapshot__last_ranking_id"))["last"] or 0


def versions_of(project: Project) -> Versions:
    """Those in use, and those that wait for a person."""
    active, current = activation.active_version(project), policies.current_policy(project)
    reward_model = RewardModelVersion.objects.filter(project=project).first()
    policy = PolicyVersion.objects.filter(project=project).first()
    return Versions(
        reward_model=active,
        proposed_reward_model=reward_model if waits(reward_model, active) else None,
        policy=current,
        proposed_policy=policy if waits(policy, current) else None,
        simulated=lineage.simulated(project),
    )


def waits(
    newest: RewardModelVersion | PolicyVersion | None, used: RewardModelVersion | PolicyVersion | None
) -> bool:
    """Whether the newest version is one that a person has to decide on: not one that was measured to be worse."""
    if newest is None or newest == used or newest.proposal == "worse":
        return False
    return used is None or newest.number > used.number
