"""Which reward model version of a project is active: PPO follows it, and people are shown its scores.

The first version is activated. A later one is proposed: its fit scores the same held-out prompts with it and with the
active version, and it is activated by itself only where their paired difference in accuracy shows it better
(rewardmodel.proposals) and the project wants that. Otherwise it waits for a person, with the reason; so it does where
another version became active while it was fitted, with which nobody has compared it.
"""

from typing import NamedTuple

from annotation.models import Project
from rewardmodel.errors import NoRewardModel
from rewardmodel.models import RewardModelSettings, RewardModelVersion
from rewardmodel.proposals import Proposal, in_points, proposal_of, said_of
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
        raise NoRewardModel(f"{project.slug} has no active reward model: fit one, or activate a version.")
    return version


def require_version(*, project: Project, number: int) -> RewardModelVersion:
    """Version ``number``. Raises NoRewardModel."""
    versions = RewardModelVersion.objects.filter(project=project, number=number)
    version = versions.select_related("project", "artifact", "fit__base_artifact").first()
    if version is None:
        raise NoRewardModel(f"{project.slug} has no reward model v{number}.")
    return version


def settings_of(project: Project) -> RewardModelSettings:
    """The project's settings of stage 2; the defaults, in no row yet, where it has none."""
    settings = RewardModelSettings.objects.filter(project=project).first()
    return settings or RewardModelSettings(project=project)


@write
def configure(*, project: Project, activates: bool, activation_prompts: int) -> RewardModelSettings:
    """Say whether a new version goes live by itself, and on how many held-out prompts at least."""
    settings, _ = RewardModelSettings.objects.update_or_create(
        project=project, defaults={"activates": activates, "activation_prompts": activation_prompts}
    )
    return settings


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
    decision = _decide(version, active_version(version.project), settings_of(version.project))
    RewardModelVersion.objects.filter(pk=version.pk).update(proposal=decision.proposal)
    if decision.activate:
        activate(version=version, why=decision.why)
        return
    RewardModelVersion.objects.filter(pk=version.pk).update(activation=decision.why)
    version.refresh_from_db()


class _Decision(NamedTuple):
    """Whether a version takes the active one's place, what the comparison says, and the words for it."""

    activate: bool
    proposal: Proposal
    why: str


def _decide(
    version: RewardModelVersion, active: RewardModelVersion | None, settings: RewardModelSettings
) -> _Decision:
    if active is None:
        return _Decision(True, Proposal.FIRST, "The project's first version.")
    compared = version.fit.incumbent
    if compared != active:
        known = f"was compared with v{compared.number}" if compared else "was compared with none"
        return _Decision(
            False,
            Proposal.NOT_COMPARED,
            f"v{active.number} became active while this was fitted, and it {known}: compare the two, or fit again.",
        )
    difference = (version.report.get("incumbent") or {}).get("difference")
    proposal = proposal_of(difference, least_prompts=settings.activation_prompts)
    if difference is None:
        return _Decision(
            False, proposal, f"There were no held-out prompts to compare it with v{active.number} on."
        )
    why = (
        f"Accuracy {in_points(difference)} against v{active.number} on the same {difference['prompts']} held-out "
        f"prompts: {said_of(proposal, least_prompts=settings.activation_prompts)}"
    )
    if proposal != Proposal.BETTER:
        return _Decision(False, proposal, f"{why}, so v{active.number} stays.")
    if not settings.activates:
        return _Decision(False, proposal, f"{why}. Versions of this project go live by hand.")
    return _Decision(True, proposal, f"{why}.")
