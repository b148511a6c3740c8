"""What versions and runs owe to simulated annotators, however far back."""

import pytest

from annotation import lineage
from rltrainer.lineage import simulated_behind
from rltrainer.models import Evaluation, Sampling
from runs.models import Run
from tests.annotation.factories import make_project
from tests.rltrainer.factories import make_policy, make_reward_model, make_snapshot

pytestmark = pytest.mark.django_db


def test_versions_and_runs_say_how_many_simulated_rankings_are_behind_them() -> None:
    project = make_project()
    many, few, none = (
        make_snapshot(project, name, count) for name, count in (("m", 300), ("f", 20), ("n", 0))
    )
    base = make_policy(project, 1)
    used, less, clean = (make_reward_model(project, n, one) for n, one in ((1, many), (2, few), (3, none)))
    by_used = make_policy(project, 2, algorithm="ppo", start=base, reward_model=used)
    make_policy(project, 3, algorithm="ppo", start=by_used, reward_model=less)
    by_clean = make_policy(project, 4, algorithm="ppo", start=base, reward_model=clean)
    from_policy = make_reward_model(project, 4, none, base=by_used)
    found = lineage.simulated(project)
    assert [found.of("reward_models", number) for number in (1, 2, 3, 4)] == [300, 20, 0, 300]
    assert [found.of("policies", number) for number in (1, 2, 3, 4)] == [0, 300, 300, 0]
    assert [simulated_behind(one.fit.run) for one in (used, less, clean, from_policy)] == [300, 20, 0, 300]
    trainings = [one.training for one in (by_used, by_clean)]
    assert [simulated_behind(one.run) for one in trainings if one is not None] == [300, 0]
    sampling = Sampling.objects.create(
        run=Run.objects.create(kind="sample_completions"), project=project, policy=by_used, prompts=1
    )
    assert simulated_behind(sampling.run) == 300
    for policies, judge, behind in (
        ([base, by_clean], less, 20),
        ([base, by_used], None, 300),
        ([base], clean, 0),
    ):
        run = Run.objects.create(kind="evaluate_policy")
        Evaluation.objects.create(run=run, project=project, reward_model=judge).policies.set(policies)
        assert simulated_behind(run) == behind


def test_other_projects_owe_nothing() -> None:
    project, other = make_project(), make_project()
    make_reward_model(project, 1, make_snapshot(project, "m", 300))
    assert lineage.simulated(other).of("reward_models", 1) == 0
    assert simulated_behind(Run.objects.create(kind="import")) == 0
