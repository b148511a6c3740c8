"""What needs a decision, over all projects that a person researches."""

from datetime import timedelta

from django.http import HttpRequest
from django.utils import timezone

from annotation.models import Project, Ranking
from console.describing import described_runs, sentence
from console.loop import last_fitted, versions_of
from runs.models import Run

RECENT = timedelta(days=7)


def decisions(request: HttpRequest) -> list[dict[str, object]]:
    """One entry a project: what runs, what failed this week, what waits for a person."""
    return [_decisions_of(project) for project in Project.objects.researched_by(request.user).distinct()]


def _decisions_of(project: Project) -> dict[str, object]:
    runs, versions = described_runs(project), versions_of(project)
    failed = runs.filter(status=Run.Status.FAILED, finished_at__gte=timezone.now() - RECENT)[:3]
    trained_on = last_fitted(project)
    rankings = Ranking.objects.current().collected().filter(project=project)
    waiting = versions.proposed_reward_model
    return {
        "project": project,
        "active_runs": [(run, sentence(run)) for run in runs.active()],
        "failed_runs": [(run, sentence(run)) for run in failed],
        "waiting_version": waiting,
        "waiting_policy": versions.proposed_policy,
        "new": rankings.filter(pk__gt=trained_on).counted(),
        "waiting_simulated": versions.simulated.of("reward_models", waiting.number) if waiting else 0,
        "fitted": trained_on > 0,
    }
