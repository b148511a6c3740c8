"""What needs a decision, over all projects that a person researches."""

from datetime import timedelta

from django.db.models import Max
from django.http import HttpRequest
from django.utils import timezone

from annotation.models import Project, Ranking
from annotation.withdrawal import lineage
from rewardmodel.models import RewardModelVersion
from runs.kinds import runs_of
from runs.models import Run

RECENT = timedelta(days=7)


def decisions(request: HttpRequest) -> list[dict[str, object]]:
    """One entry a project: what runs, what failed this week, what waits for a person."""
    return [_decisions_of(project) for project in Project.objects.researched_by(request.user).distinct()]


def _decisions_of(project: Project) -> dict[str, object]:
    runs = runs_of(project)
    newest = RewardModelVersion.objects.filter(project=project).first()
    trained_on = RewardModelVersion.objects.filter(project=project).aggregate(
        last=Max("fit__snapshot__last_ranking_id")
    )["last"]
    rankings = Ranking.objects.current().collected().filter(project=project)
    return {
        "project": project,
        "active_runs": runs.active(),
        "failed_runs": runs.filter(status=Run.Status.FAILED, finished_at__gte=timezone.now() - RECENT)[:3],
        "waiting_version": newest if newest is not None and not newest.is_active else None,
        "new": rankings.filter(pk__gt=trained_on or 0).counted(),
        "waiting_simulated": lineage.simulated(project).of("reward_models", newest.number) if newest else 0,
        "fitted": trained_on is not None,
    }
