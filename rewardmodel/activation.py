"""Which reward model version of a project is active: PPO follows it, and people are shown its scores.

The first version is activated. A later one is activated if it is not worse on the same held-out
prompts: the fit scores them with both, and the paired bootstrap's interval of the difference in
accuracy must not lie wholly below zero. Otherwise it waits for a person; so it does where another
version became active while it was fitted, with which nobody has compared it.
"""

from annotation.models import Project
from rewardmodel.errors import NoRewardModel
from rewardmodel.models import RewardModelVersion
from runs.writing import write


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


@write
def activate(*, version: RewardModelVersion, why: str) -> None:
    """Make ``version`` the active one of its project, under the project's lock (NO KEY: annotators go on)."""
    Project.objects.select_for_update(no_key=True).get(pk=version.project_id)
    RewardModelVersion.objects.filter(project=version.project_id, is_active=True).update(is_active=False)
    RewardModelVersion.objects.filter(pk=version.pk).update(is_active=True, activation=why)
    version.refresh_from_db()


@write
def consider(*, version: RewardModelVersion) -> None:
    """Activate a new version if the rule above lets it, and say why or why not.

    What is active is read under the project's lock, so that it is still active when it is replaced.
    """
    Project.objects.select_for_update(no_key=True).get(pk=version.project_id)
    wins, why = _judge(version, active_version(version.project))
    if wins:
        activate(version=version, why=why)
        return
    RewardModelVersion.objects.filter(pk=version.pk).update(activation=why)
    version.refresh_from_db()


def _judge(version: RewardModelVersion, active: RewardModelVersion | None) -> tuple[bool, str]:
    """Whether ``version`` takes the place of ``active``, and the words for it."""
    if active is None:
        return True, "The project's first version."
    compared = version.fit.incumbent
    if compared != active:
        known = f"was compared with v{compared.number}" if compared else "was compared with none"
        return False, (
            f"v{active.number} became active while this was fitted, and it {known}: activate it by hand, or fit again."
        )
    comparison = version.report.get("incumbent")
    if comparison is None:
        return False, (
            f"There were no held-out prompts to compare it with v{active.number} on; activate it by hand."
        )
    low, high = comparison["difference_interval"]
    why = (
        f"Accuracy {comparison['difference']:+.3f} ({low:+.3f} to {high:+.3f}) against v{active.number} "
        f"on the same {comparison['prompts']} held-out prompts"
    )
    if high >= 0:
        return True, f"{why}: not worse."
    return False, f"{why}: worse, so it was not activated by itself."
