"""What needs a decision, over all projects that a person researches: as many queries for many projects as for one."""

from collections import defaultdict
from datetime import timedelta
from typing import Any

from django.db.models import Max
from django.http import HttpRequest
from django.utils import timezone

from annotation.counting import MOST, bounded_at_once
from annotation.models import Project, Ranking, Snapshot
from annotation.withdrawal import lineage
from console.describing import described_runs, sentence
from console.loop import waits
from rewardmodel.models import RewardModelVersion
from rltrainer.models import PolicyVersion
from runs.kinds import kind_of
from runs.models import Run

RECENT = timedelta(days=7)
# Of the newest failures of all projects, and of one.
MOST_FAILED, MOST_FAILED_HERE = 100, 3


def decisions(request: HttpRequest) -> list[dict[str, object]]:
    """One entry a project: what runs, what failed this week, what waits for a person."""
    projects = list(Project.objects.researched_by(request.user).distinct())
    if not projects:
        return []
    runs = described_runs(*projects)
    failed = runs.filter(status=Run.Status.FAILED, finished_at__gte=timezone.now() - RECENT)[:MOST_FAILED]
    active, ended = _by_project(runs.active()), _by_project(failed)
    reward_models = _waiting(RewardModelVersion, "is_active", projects)
    policies = _waiting(PolicyVersion, "is_current", projects)
    fitted = RewardModelVersion.objects.filter(project__in=projects).order_by().values_list("project")
    trained_on: dict[int, int] = dict(fitted.annotate(last=Max("fit__snapshot__last_ranking_id")))
    simulated = set(
        Snapshot.objects.filter(project__in=projects, simulated__gt=0).values_list("project", flat=True)
    )
    entries: list[dict[str, object]] = []
    for project, new in zip(projects, _new(projects, trained_on), strict=True):
        version = reward_models.get(project.pk)
        owes = version is not None and project.pk in simulated
        entries.append(
            {
                "project": project,
                "active_runs": active[project.pk],
                "failed_runs": ended[project.pk][:MOST_FAILED_HERE],
                "waiting_version": version,
                "waiting_policy": policies.get(project.pk),
                "new": new,
                "waiting_simulated": lineage.simulated(project).of("reward_models", version.number)
                if version is not None and owes
                else 0,
                "fitted": bool(trained_on.get(project.pk)),
            }
        )
    return entries


def _by_project(runs: Any) -> defaultdict[int, list[tuple[Run, str]]]:
    """Each run with what it does, by its project's id."""
    lists = defaultdict(list)
    for run in runs:
        lists[getattr(run, kind_of(run).row).project_id].append((run, sentence(run)))
    return lists


def _waiting(model: Any, used: str, projects: list[Project]) -> dict[int, Any]:
    """The newest version of each project, by its id, where it is one that a person has to decide on."""
    rows = model.objects.filter(project__in=projects)
    newest = rows.order_by("project_id", "-number").distinct("project_id")
    in_use = {one.project_id: one for one in rows.filter(**{used: True})}
    return {one.project_id: one for one in newest if waits(one, in_use.get(one.project_id))}


def _new(projects: list[Project], trained_on: dict[int, int]) -> list[dict[str, Any]]:
    """Of each project the rankings that came after all that a version was fitted on."""
    rankings = [
        Ranking.objects.current().collected().filter(project=project, pk__gt=trained_on.get(project.pk) or 0)
        for project in projects
    ]
    by_rule = [rows.filter(annotator__simulated=True) for rows in rankings]
    counts = bounded_at_once(*rankings, *by_rule, most=MOST)
    return [
        {"rankings": every, "simulated": some}
        for every, some in zip(counts[: len(projects)], counts[len(projects) :], strict=True)
    ]
