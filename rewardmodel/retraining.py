"""Fits that nobody has to ask for: after so many new rankings, or so many hours, as a project's settings say.

New is what came after the newest snapshot that a fit of the project took, whatever became of that fit: what failed
once does not begin again by itself until there is more. One fit of a project at a time.
"""

from datetime import timedelta

from django.db.models import Max, Q
from django.utils import timezone

from annotation.files import snapshots
from annotation.models import Project
from rewardmodel.activation import active_version
from rewardmodel.errors import BadFitConfig
from rewardmodel.fits import request_fit
from rewardmodel.models import Fit, RewardModelSettings
from runs.models import Run
from runs.writing import write

# A fit that could not even take a snapshot is not asked for again before this.
_PATIENCE = timedelta(hours=1)


@write
def configure(
    *,
    project: Project,
    retrain_rankings: int,
    retrain_hours: int,
    retrain_warm: bool,
    choose_next: bool,
) -> RewardModelSettings:
    """Say when fits of the project begin by themselves (0 is never), and whether what a new version is unsure of is
    asked first. Raises BadFitConfig."""
    if retrain_rankings < 0 or retrain_hours < 0:
        raise BadFitConfig("Rankings and hours are 0 or more; 0 is never.")
    settings, _ = RewardModelSettings.objects.update_or_create(
        project=project,
        defaults={
            "retrain_rankings": retrain_rankings,
            "retrain_hours": retrain_hours,
            "retrain_warm": retrain_warm,
            "choose_next": choose_next,
        },
    )
    return settings


def consider_everywhere() -> list[Run]:
    """Begin what is due in any project. Called by the sweep."""
    automatic = RewardModelSettings.objects.filter(Q(retrain_rankings__gt=0) | Q(retrain_hours__gt=0))
    begun = [consider(project=settings.project) for settings in automatic.select_related("project")]
    return [run for run in begun if run is not None]


@write
def consider(*, project: Project) -> Run | None:
    """Queue a fit of the project if its settings want one now.

    Locks the settings: two sweeps at once begin one fit.
    """
    settings = RewardModelSettings.objects.select_for_update(no_key=True).filter(project=project).first()
    if settings is None or Fit.objects.filter(project=project, run__status__in=Run.ACTIVE).exists():
        return None
    why = _why(settings)
    if not why:
        return None
    warm = settings.retrain_warm and active_version(project) is not None
    return request_fit(project=project, warm=warm, why=why)


def _why(settings: RewardModelSettings) -> str:
    fits = Fit.objects.filter(project=settings.project_id)
    newest = fits.select_related("run", "snapshot").order_by("-pk").first()
    now = timezone.now()
    if newest is not None and newest.snapshot is None and now - newest.run.created_at < _PATIENCE:
        return ""
    last = fits.aggregate(last=Max("snapshot__last_ranking_id"))["last"] or 0
    threshold = settings.retrain_rankings
    fresh = snapshots.new_since(settings.project, last, max(threshold, 1))
    if threshold and fresh >= threshold:
        return f"{threshold} new rankings"
    hours = settings.retrain_hours
    if hours and fresh and (newest is None or now - newest.run.created_at >= timedelta(hours=hours)):
        return f"{hours} hours since the last fit"
    return ""
