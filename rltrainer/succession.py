"""Which policy of a project is the current one: it is sampled, and trainings and fits start from it.

The first is. A later one is proposed: its training measures it and the policy that it started from on the same held-out
prompts (PPO and REINFORCE by the reward, SFT by the loss of held-out demonstrations), and it becomes current by itself
only where that shows it better (rewardmodel.proposals), it started from what is current still, and the project wants
that. Otherwise it waits for a person, with the reason.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from annotation.models import Project
from rewardmodel.proposals import Proposal, in_words, proposal_of, said_of
from rltrainer import policies
from rltrainer.models import PolicySettings, PolicyVersion, Training
from runs.writing import write


class Decision(NamedTuple):
    """Whether a policy takes the current one's place, what the comparison says, and the words for it."""

    current: bool
    proposal: Proposal
    why: str


def settings_of(project: Project) -> PolicySettings:
    """The project's settings of stage 3; the defaults, in no row yet, where it has none."""
    return PolicySettings.objects.filter(project=project).first() or PolicySettings(project=project)


@write
def configure(*, project: Project, succeeds: bool, succession_prompts: int) -> PolicySettings:
    """Say whether new policies become current by themselves, and on how many held-out prompts at least."""
    settings, _ = PolicySettings.objects.update_or_create(
        project=project, defaults={"succeeds": succeeds, "succession_prompts": succession_prompts}
    )
    return settings


def decide(training: Training, report: Mapping[str, Any]) -> Decision:
    """What becomes of the policy of ``training``. Its caller holds the project's lock."""
    current = policies.current_policy(training.project)
    if current is None:
        return Decision(True, Proposal.FIRST, policies.FIRST)
    if current != training.start:
        return Decision(False, Proposal.NOT_COMPARED, _other(training.start, current))
    settings = settings_of(training.project)
    difference = report.get("gain")
    proposal = proposal_of(difference, least_prompts=settings.succession_prompts)
    if difference is None:
        why = f"Nothing was held out to compare it with v{current.number} on."
        return Decision(False, proposal, why)
    why = f"{_measured(training, difference)} than v{current.number}'s on the same {difference['prompts']} prompts"
    if not report.get("held_out", True):
        why += ", on which it was trained"
    why = f"{why}: {said_of(proposal, least_prompts=settings.succession_prompts)}"
    if proposal != Proposal.BETTER:
        return Decision(False, proposal, f"{why}, so v{current.number} stays.")
    if not settings.succeeds:
        return Decision(False, proposal, f"{why}. Policies of this project become current by hand.")
    return Decision(True, proposal, f"{why}.")


def _other(start: PolicyVersion | None, current: PolicyVersion) -> str:
    begun = f"It started from v{start.number}" if start else "It started from a base of its own"
    return f"{begun}, and v{current.number} is current, with which nobody has compared it: compare the two."


def _measured(training: Training, difference: Mapping[str, Any]) -> str:
    if training.algorithm == Training.Algorithm.SFT:
        return f"Held-out demonstrations are {in_words(difference, unit=' nats a token')} likelier"
    return f"The mean reward is {in_words(difference)} higher"
