"""What is worth doing next in a project, and why: the loop's own order, the most urgent first."""

from collections.abc import Iterator
from typing import NamedTuple

from django.urls import reverse

from annotation.models import Project
from console.loop import Loop
from runs.kinds import kind_of

MOST_SHOWN = 4
# Up to it agreement beyond chance is "fair" at best (Landis and Koch 1977).
LOW_ALPHA = 0.4
# A fit again is offered where it would learn from so much more.
FRESH_SHARE, LEAST_FRESH = 0.1, 20


class Step(NamedTuple):
    """``title`` says what to do, ``why`` the reason, ``address`` where; ``simulated`` rankings are behind it."""

    title: str
    why: str
    address: str
    simulated: int = 0


def next_steps(loop: Loop) -> list[Step]:
    """The first few; empty where everything waits for people or for a run."""
    return [step for steps in _STEPS for step in steps(loop)][:MOST_SHOWN]


def _failures(loop: Loop) -> Iterator[Step]:
    for run in loop.failed_runs[:1]:
        yield Step(f"See why “{kind_of(run).title}” failed", run.reason, reverse("admin:run", args=[run.pk]))


def _decisions(loop: Loop) -> Iterator[Step]:
    reward_model, policy = loop.versions.proposed_reward_model, loop.versions.proposed_policy
    if reward_model is not None:
        yield Step(
            f"Decide on reward model v{reward_model.number}",
            reward_model.activation,
            _at(loop.project, "reward_models"),
            loop.versions.simulated.of("reward_models", reward_model.number),
        )
    if policy is not None:
        yield Step(
            f"Decide on policy v{policy.number}",
            policy.why or "It was registered, and is not the current policy.",
            _at(loop.project, "policies"),
            loop.versions.simulated.of("policies", policy.number),
        )


def _beginning(loop: Loop) -> Iterator[Step]:
    """What has to be there before anybody can judge."""
    judgements, home = loop.judgements, _at(loop.project, "project")
    if not judgements.prompts:
        yield Step(
            "Import prompts or completions",
            "Nothing is there that people could judge, or a policy could answer.",
            f"{home}#action-import",
        )
    if not loop.project.guidelines.strip():
        why = "Annotators read them before their first task, and each judgement names their version."
        yield Step("Write the guidelines", why, f"{_at(loop.project, 'settings')}#action-configure")
    if not (judgements.annotators or judgements.invitations or judgements.rankings):
        yield Step("Invite annotators", "Nobody can judge yet.", _at(loop.project, "people"))


def _quality(loop: Loop) -> Iterator[Step]:
    judgements = loop.judgements
    if judgements.flags:
        why = f"{judgements.flags} open flag{_s(judgements.flags.number)} of what annotators stumbled over."
        yield Step("Look at what was flagged", why, _at(loop.project, "flags"))
    low, high = (judgements.alpha or {}).get("interval") or (0.0, 1.0)
    if judgements.alpha is not None and high < LOW_ALPHA:
        yield Step(
            "Make the guidelines clearer",
            f"Beyond chance two people agree little: alpha {judgements.alpha['value']:.2f} ({low:.2f} to {high:.2f}).",
            _at(loop.project, "quality"),
        )


def _learning(loop: Loop) -> Iterator[Step]:
    """Forward through the loop: a policy, tasks, a reward model, PPO, and samples of what it made."""
    judgements, versions = loop.judgements, loop.versions
    policies, busy = _at(loop.project, "policies"), {run.kind for run in loop.active_runs}
    if versions.policy is None and judgements.prompts and not judgements.tasks and "train_policy" not in busy:
        if judgements.demonstrations:
            written = judgements.demonstrations
            why = f"{written} demonstration{_s(written.number)} are there to learn from."
            yield Step("Train a policy by SFT", why, f"{policies}#action-train")
        else:
            why = "Somebody has to answer the prompts: a policy, or completions that you import."
            yield Step("Register a policy", why, f"{policies}#action-register")
    if versions.policy is not None and not judgements.free_places and "sample_completions" not in busy:
        why = (
            f"No judgement is wanted any more; policy v{versions.policy.number} can answer more prompts."
            if judgements.tasks
            else f"There is no task yet; policy v{versions.policy.number} can answer the prompts."
        )
        yield Step("Sample completions", why, f"{policies}#action-sample")
    if "fit_reward_model" not in busy:
        yield from _fitting(loop)
    if "train_policy" not in busy:
        yield from _teaching(loop)


def _fitting(loop: Loop) -> Iterator[Step]:
    judgements, address = loop.judgements, f"{_at(loop.project, 'reward_models')}#action-fit"
    some = " Simulated ones are among them." if judgements.simulated else ""
    if loop.versions.reward_model is None and loop.versions.proposed_reward_model is None:
        if judgements.fresh:
            yield Step(
                "Fit a reward model",
                f"{judgements.fresh} ranking{_s(judgements.fresh.number)}, and none yet.{some}",
                address,
            )
    elif judgements.fresh.number >= max(LEAST_FRESH, FRESH_SHARE * judgements.rankings.number):
        why = f"{judgements.fresh} rankings are new since the last fit.{some}"
        yield Step("Fit the reward model again", why, address)


def _teaching(loop: Loop) -> Iterator[Step]:
    """Where the current policy can learn from the active reward model and has not."""
    policy, reward_model = loop.versions.policy, loop.versions.reward_model
    if policy is None or reward_model is None:
        return
    taught_by = policy.training.reward_model if policy.training else None
    if taught_by is None or taught_by.number < reward_model.number:
        yield Step(
            f"Train policy v{policy.number} against reward model v{reward_model.number}",
            "The current policy has not learnt from it.",
            f"{_at(loop.project, 'policies')}#action-train",
        )


_STEPS = (_failures, _decisions, _beginning, _quality, _learning)


def _at(project: Project, page: str) -> str:
    return reverse(f"admin:{page}", args=[project.slug])


def _s(number: int) -> str:
    return "" if number == 1 else "s"
