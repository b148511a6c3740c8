"""A new version takes the place of the one that it was compared with, and of no other."""

from typing import Any

import pytest

from annotation.models import Project
from rewardmodel import activation
from rewardmodel.models import Fit, RewardModelVersion
from rewardmodel.proposals import Proposal
from runs.models import Artifact, Run
from tests.annotation.factories import make_project
from tests.runs.beside import beside

pytestmark = pytest.mark.django_db(transaction=True)


def differs(value: float, low: float, high: float, prompts: int = 40) -> dict[str, Any]:
    """A report's comparison with the version that was active."""
    return {"difference": {"value": value, "interval": [low, high], "prompts": prompts, "count": 100}}


BETTER, WORSE, OPEN = differs(0.1, 0.05, 0.15), differs(-0.1, -0.15, -0.05), differs(0.02, -0.03, 0.07)


def make_version(
    project: Project,
    number: int,
    incumbent: RewardModelVersion | None = None,
    comparison: dict[str, Any] | None = None,
) -> RewardModelVersion:
    """A version whose fit compared it with ``incumbent``, and which nobody has considered yet."""
    run = Run.objects.create(kind="fit_reward_model")
    artifact = Artifact.objects.create(digest=f"{run.pk:064}", kind="reward_model", files={})
    fit = Fit.objects.create(run=run, project=project, incumbent=incumbent)
    return RewardModelVersion.objects.create(
        project=project, number=number, fit=fit, artifact=artifact, report={"incumbent": comparison}
    )


def considered(version: RewardModelVersion) -> tuple[bool, str]:
    activation.consider(version=version)
    version.refresh_from_db()
    return version.is_active, version.activation


def test_the_first_version_and_one_that_is_shown_to_be_better_become_active() -> None:
    project = make_project()
    first = make_version(project, 1)
    assert considered(first) == (True, "The project's first version.")
    better = make_version(project, 2, first, BETTER)
    assert considered(better) == (
        True,
        "Accuracy +10.0 points (+5.0 to +15.0) against v1 on the same 40 held-out prompts: better.",
    )
    assert (first.proposal, better.proposal) == (Proposal.FIRST, Proposal.BETTER)


@pytest.mark.parametrize(
    ("comparison", "proposal", "reason"),
    [
        (WORSE, Proposal.WORSE, "worse, so v1 stays."),
        (OPEN, Proposal.OPEN, "no difference is shown, so v1 stays."),
        # Seven prompts are none to decide on, whatever they say.
        (
            differs(0.1, 0.05, 0.15, prompts=7),
            Proposal.TOO_FEW,
            "too few to tell (30 are asked for), so v1 stays.",
        ),
        (None, Proposal.NOT_COMPARED, "There were no held-out prompts to compare it with v1 on."),
    ],
)
def test_any_other_version_waits_and_says_why(
    comparison: dict[str, Any] | None, proposal: Proposal, reason: str
) -> None:
    project = make_project()
    first = make_version(project, 1)
    activation.activate(version=first, why="By hand.")
    version = make_version(project, 2, first, comparison)
    active, why = considered(version)
    assert (active, version.proposal) == (False, proposal)
    assert why.endswith(reason)
    assert activation.active_version(project) == first


def test_a_project_says_whether_and_on_how_many_prompts_versions_go_live() -> None:
    project = make_project()
    first = make_version(project, 1)
    activation.activate(version=first, why="By hand.")
    activation.configure(project=project, activates=True, activation_prompts=41)
    assert considered(make_version(project, 2, first, BETTER))[1].endswith(
        "too few to tell (41 are asked for), so v1 stays."
    )
    activation.configure(project=project, activates=False, activation_prompts=40)
    waiting = make_version(project, 3, first, BETTER)
    assert considered(waiting) == (
        False,
        "Accuracy +10.0 points (+5.0 to +15.0) against v1 on the same 40 held-out prompts: better. "
        "Versions of this project go live by hand.",
    )
    assert waiting.proposal == Proposal.BETTER


def test_one_compared_with_what_is_active_no_more_waits_and_says_so() -> None:
    project = make_project()
    first, second = make_version(project, 1), make_version(project, 2)
    for version in (first, second):
        activation.activate(version=version, why="By hand.")
    late = make_version(project, 3, first, BETTER)
    assert considered(late) == (
        False,
        "v2 became active while this was fitted, and it was compared with v1: compare the two, or fit again.",
    )
    assert activation.active_version(project) == second


def test_one_fitted_before_anything_was_active_does_not_replace_what_is_active_now() -> None:
    project = make_project()
    activation.activate(version=make_version(project, 1), why="By hand.")
    active, why = considered(make_version(project, 2))
    assert not active
    assert "v1 became active while this was fitted, and it was compared with none" in why


def test_two_fits_that_end_at_once_do_not_both_replace_the_version_they_were_compared_with() -> None:
    project = make_project()
    first = make_version(project, 1)
    activation.activate(version=first, why="By hand.")
    second = make_version(project, 2, first, BETTER)
    third = make_version(project, 3, first, BETTER)
    beside(lambda: activation.consider(version=second), lambda: activation.consider(version=third))
    third.refresh_from_db()
    assert activation.active_version(project) == second
    assert "v2 became active while this was fitted" in third.activation


def test_an_activation_by_hand_at_the_same_moment_is_not_undone() -> None:
    project = make_project()
    first, chosen = make_version(project, 1), make_version(project, 2)
    activation.activate(version=first, why="By hand.")
    fitted = make_version(project, 3, first, BETTER)
    beside(
        lambda: activation.activate(version=chosen, why="By hand."),
        lambda: activation.consider(version=fitted),
    )
    assert activation.active_version(project) == chosen
