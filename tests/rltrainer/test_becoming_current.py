"""A trained policy takes the place of the one whose reward it raised, and of no other."""

import json
from typing import Any

import pytest
from django.db import transaction

from annotation.models import Delivery, Project
from annotation.webhooks import subscribing
from console.pages.findings import findings
from rewardmodel.models import Fit, RewardModelVersion
from rewardmodel.proposals import Proposal
from rltrainer import policies, succession, training
from rltrainer.models import PolicyVersion, Training
from runs.models import Artifact, Run
from tests.annotation.factories import make_project
from tests.runs.beside import beside

pytestmark = pytest.mark.django_db(transaction=True)


def artifact(run: Run) -> Artifact:
    return Artifact.objects.create(digest=f"{run.pk:064}", kind="policy", files={})


def make_training(project: Project, start: PolicyVersion | None, algorithm: str = "ppo") -> Training:
    run = Run.objects.create(kind="fit_reward_model")
    number = RewardModelVersion.objects.filter(project=project).count() + 1
    reward = RewardModelVersion.objects.create(
        project=project,
        number=number,
        fit=Fit.objects.create(run=run, project=project),
        artifact=artifact(run),
        report={},
    )
    return Training.objects.create(
        run=Run.objects.create(kind="train_policy"),
        project=project,
        algorithm=algorithm,
        start=start,
        reward_model=reward,
    )


def gain(value: float, spread: float = 0.1, prompts: int = 40) -> dict[str, Any]:
    """A rise with its interval, as a report has it."""
    return {
        "value": value,
        "interval": [value - spread, value + spread],
        "prompts": prompts,
        "count": prompts,
    }


BETTER = gain(1.0)


def finish(trained: Training, measured: dict[str, Any] | None = BETTER) -> dict[str, Any]:
    """What the worker writes at its end; the run's result."""
    report = {"gain": measured, "held_out": True}
    with transaction.atomic():
        training._finish(trained.run, training.Trained(artifact(trained.run), report))
    trained.run.refresh_from_db()
    return dict(trained.run.result)


def current(project: Project) -> int:
    return policies.require_policy(project=project).number


def test_a_policy_that_is_shown_to_be_better_than_the_current_one_takes_its_place() -> None:
    project = make_project()
    first = policies.make_version(project=project, base="one")
    why = "The mean reward is +1.000 (+0.900 to +1.100) higher than v1's on the same 40 prompts: better."
    result = finish(make_training(project, first))
    assert result == {"policy": 2, "current": True, "why": why, "simulated": 0, "gain": 1.0}
    version = policies.require_policy(project=project)
    assert (version.number, version.why, version.proposal) == (2, why, Proposal.BETTER)


@pytest.mark.parametrize(
    ("measured", "proposal", "reason"),
    [
        (gain(-1.0), Proposal.WORSE, "worse, so v1 stays."),
        (gain(0.05), Proposal.OPEN, "no difference is shown, so v1 stays."),
        (gain(1.0, prompts=29), Proposal.TOO_FEW, "too few to tell (30 are asked for), so v1 stays."),
    ],
)
@pytest.mark.parametrize("algorithm", ["ppo", "sft"])
def test_any_other_policy_waits_and_says_why(
    algorithm: str, measured: dict[str, Any], proposal: Proposal, reason: str
) -> None:
    project = make_project()
    subscribing.create(project=project, url="https://example.org/", events=["version.proposed"])
    first = policies.make_version(project=project, base="one")
    trained = make_training(project, first, algorithm)
    assert finish(trained, measured)["why"].endswith(reason)
    assert (trained.version.proposal, trained.version.is_current, current(project)) == (proposal, False, 1)
    # Webhooks hear of both.
    assert [json.loads(one.body)["data"] for one in Delivery.objects.order_by("pk")] == [
        {"project": project.slug, "of": "policy", "number": 1, "proposal": "", "in_use": True},
        {"project": project.slug, "of": "policy", "number": 2, "proposal": proposal, "in_use": False},
    ]


def test_sft_is_measured_by_held_out_demonstrations_and_waits_where_there_are_none() -> None:
    project = make_project()
    first = policies.make_version(project=project, base="one")
    assert finish(make_training(project, first, "sft"), None)["why"] == (
        "Nothing was held out to compare it with v1 on."
    )
    assert finish(make_training(project, first, "sft"), gain(0.2))["why"] == (
        "Held-out demonstrations are +0.200 nats a token (+0.100 to +0.300) likelier than v1's on the same 40 prompts: "
        "better."
    )
    assert current(project) == 3


def test_sft_from_a_base_of_its_own_does_not_replace_a_policy_that_nobody_compared_it_with() -> None:
    project = make_project()
    alone = make_training(project, None, "sft")
    assert finish(alone, None)["why"] == "The project's first policy."
    again = make_training(project, None, "sft")
    assert finish(again)["why"] == (
        "It started from a base of its own, and v1 is current, with which nobody has compared it: compare the two."
    )
    assert current(project) == 1


def test_a_project_says_whether_and_on_how_many_prompts_policies_become_current() -> None:
    project = make_project()
    first = policies.make_version(project=project, base="one")
    succession.configure(project=project, succeeds=False, succession_prompts=40)
    result = finish(make_training(project, first))
    assert result["why"].endswith("better. Policies of this project become current by hand.")
    succession.configure(project=project, succeeds=True, succession_prompts=41)
    assert finish(make_training(project, first))["why"].endswith(
        "too few to tell (41 are asked for), so v1 stays."
    )
    assert current(project) == 1


def test_one_that_started_from_what_is_current_no_more_waits_and_says_so() -> None:
    project = make_project()
    late = make_training(project, policies.make_version(project=project, base="one"))
    policies.make_version(project=project, base="two")
    result = finish(late)
    assert (result["current"], current(project)) == (False, 2)
    assert result["why"].startswith(
        "It started from v1, and v2 is current, with which nobody has compared it"
    )


def test_a_policy_made_current_at_the_same_moment_stays_current() -> None:
    project = make_project()
    first = policies.make_version(project=project, base="one")
    chosen = policies.make_version(project=project, base="two", current=False)
    late = make_training(project, first)
    result = beside(lambda: policies.make_current(version=chosen, why="By hand."), lambda: finish(late))
    assert (result["current"], current(project)) == (False, chosen.number)


def test_the_page_says_why_a_policy_was_not_made_current() -> None:
    project = make_project()
    late = make_training(project, policies.make_version(project=project, base="one"))
    policies.make_version(project=project, base="two")
    report = {
        "before": {"reward": 0.0, "length": 5},
        "after": {"reward": 1.0, "length": 6, "kl": 0.1},
        "gain": gain(1.0),
        "gain_in_deviations": 1.0,
    }
    with transaction.atomic():
        training._finish(late.run, training.Trained(artifact(late.run), report))
    Run.objects.filter(pk=late.run.pk).update(status="succeeded", finished_at="2026-01-01T00:00Z")
    of_run = findings(Run.objects.get(pk=late.run.pk))
    assert of_run is not None
    assert "v2 is current, with which" in of_run.sentences[-1]
