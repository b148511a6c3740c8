"""Which reward model version of a project is active: PPO follows it, and people are shown its scores.

The first version is activated. A later one is activated if it is not worse on the same held-out
prompts: the fit scores them with both, and the paired bootstrap's interval of the difference in
accuracy must not lie wholly below zero. Otherwise it waits for a person.
"""

from django.db import transaction

from annotation.models import Project
from rewardmodel.errors import NoRewardModel
from rewardmodel.models import RewardModelVersion


def active_version(project: Project) -> RewardModelVersion | None:
    """The active version, or None."""
    return (
        RewardModelVersion.objects.filter(project=project, is_active=True).select_related("artifact").first()
    )


def require_active(project: Project) -> RewardModelVersion:
    """The active version. Raises NoRewardModel."""
    version = active_version(project)
    if version is None:
        raise NoRewardModel(
            f"{project.slug} has no active reward model: fit one (manage.py fit_reward_model) or activate a version."
        )
    return version


@transaction.atomic
def activate(*, version: RewardModelVersion, why: str) -> None:
    """Make ``version`` the active one of its project, under the project's lock."""
    Project.objects.select_for_update().get(pk=version.project_id)
    RewardModelVersion.objects.filter(project=version.project_id, is_active=True).update(is_active=False)
    RewardModelVersion.objects.filter(pk=version.pk).update(is_active=True, activation=why)
    version.refresh_from_db()


@transaction.atomic
def consider(*, version: RewardModelVersion) -> None:
    """Activate a new version if the rule above lets it, and say why or why not."""
    active = active_version(version.project)
    if active is None:
        activate(version=version, why="The project's first version.")
        return
    comparison = version.report.get("incumbent")
    if comparison is None:
        why = f"There were no held-out prompts to compare it with v{active.number} on; activate it by hand."
    else:
        low, high = comparison["difference_interval"]
        why = (
            f"Accuracy {comparison['difference']:+.3f} ({low:+.3f} to {high:+.3f}) against v{active.number} "
            f"on the same {comparison['prompts']} held-out prompts"
        )
        if high >= 0:
            activate(version=version, why=f"{why}: not worse.")
            return
        why += ": worse, so it was not activated by itself."
    RewardModelVersion.objects.filter(pk=version.pk).update(activation=why)
    version.refresh_from_db()
