"""A trained policy takes the place of the one whose reward it raised, and of no other."""

from typing import Any

import pytest
from django.db import transaction

from annotation.models import Project
from console.pages.findings import findings
from rewardmodel.models import Fit, RewardModelVersion
from rltrainer import policies, training
from rltrainer.models import PolicyVersion, Training
from runs.models import Artifact, Run
from tests.annotation.factories import make_project
from tests.runs.beside import beside

pytestmark = pytest.mark.django_db(transaction=True)


def artifact(run: Run) -> Artifact:
    return Artifact.objects.create(digest=f"{run.pk:064}", kind="policy", files={})


def make_training(project: Project, start: PolicyVersion, algorithm: str = "ppo") -> Training:
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


def finish(made: Training, before: float = 0.0, after: float = 1.0) -> dict[str, Any]:
    """What the worker writes at its end; the run's result."""
    report = {"before": {"reward": before}, "after": {"reward": after}}
    with transaction.atomic():
        training._finish(made.run, training.Trained(artifact(made.run), report))
    made.run.refresh_from_db()
    return dict(made.run.result)


def current(project: Project) -> int:
    return policies.require_policy(project=project).number


def test_a_policy_that_is_better_than_the_current_one_takes_its_place() -> None:
    project = make_project()
    first = policies.make_version(project=project, base="one")
    assert finish(make_training(project, first)) == {"policy": 2, "current": True, "simulated": 0}
    worse = finish(make_training(project, policies.require_policy(project=project)), before=1.0, after=0.5)
    assert worse["why"] == "It did not raise the reward, so it was not made current."
    assert current(project) == 2


def test_one_that_started_from_what_is_current_no_more_waits_and_says_so() -> None:
    project = make_project()
    late = make_training(project, policies.make_version(project=project, base="one"))
    policies.make_version(project=project, base="two")
    result = finish(late)
    assert (result["current"], current(project)) == (False, 2)
    assert result["why"].startswith("It is better than v1, from which it started, but v2 is current now")


def test_a_policy_made_current_at_the_same_moment_stays_current() -> None:
    project = make_project()
    first = policies.make_version(project=project, base="one")
    chosen = policies.make_version(project=project, base="two", current=False)
    late = make_training(project, first)
    result = beside(lambda: policies.make_current(version=chosen), lambda: finish(late))
    assert (result["current"], current(project)) == (False, chosen.number)


def test_the_page_says_why_a_policy_was_not_made_current() -> None:
    project = make_project()
    late = make_training(project, policies.make_version(project=project, base="one"))
    policies.make_version(project=project, base="two")
    report = {
        "before": {"reward": 0.0, "length": 5},
        "after": {"reward": 1.0, "length": 6, "kl": 0.1},
        "gain_in_deviations": 1.0,
    }
    with transaction.atomic():
        training._finish(late.run, training.Trained(artifact(late.run), report))
    Run.objects.filter(pk=late.run.pk).update(status="succeeded", finished_at="2026-01-01T00:00Z")
    found = findings(Run.objects.get(pk=late.run.pk))
    assert found is not None
    assert "v2 is current now" in found.sentences[-1]
