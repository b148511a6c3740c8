"""What versions and runs owe to simulated annotators, however far back."""

from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from annotation.withdrawal import lineage
from rltrainer.lineage import simulated_behind
from rltrainer.models import Evaluation, PolicyVersion, Sampling, Training
from runs.folder.files import write_json
from runs.folder.folder import RunFolder
from runs.kinds import kind_of
from runs.models import Run
from tests.annotation.factories import make_project
from tests.rltrainer.factories import make_policy, make_reward_model, make_snapshot
from tests.storing import store_artifacts_in

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
    rankings_behind = lineage.simulated(project)
    assert [rankings_behind.of("reward_models", number) for number in (1, 2, 3, 4)] == [300, 20, 0, 300]
    assert [rankings_behind.of("policies", number) for number in (1, 2, 3, 4)] == [0, 300, 300, 0]
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


def finished(run: Run, path: Path, report: dict[str, Any]) -> dict[str, Any]:
    """The result that a worker stores when a run's child has left this report."""
    folder = RunFolder(path)
    folder.make()
    write_json(folder.output / "report.json", report)
    kind = kind_of(run)
    output = kind.store(run, folder)
    with transaction.atomic():
        kind.finish(run, output)
    run.refresh_from_db()
    return dict(run.result)


def test_results_of_trainings_and_evaluations_say_it(tmp_path: Path, settings: Any) -> None:
    store_artifacts_in(tmp_path / "files", settings)
    project = make_project()
    judge = make_reward_model(project, 1, make_snapshot(project, "m", 300))
    base = make_policy(project, 1)
    training = Training.objects.create(
        run=Run.objects.create(kind="train_policy"),
        project=project,
        algorithm="ppo",
        start=base,
        reward_model=judge,
    )
    report = {"before": {"reward": 0.0}, "after": {"reward": 1.0}}
    result = finished(training.run, tmp_path / "training", report)
    assert (result["policy"], result["current"], result["simulated"]) == (2, True, 300)
    evaluation = Evaluation.objects.create(run=Run.objects.create(kind="evaluate_policy"), project=project)
    evaluation.policies.set(PolicyVersion.objects.filter(project=project))
    assert finished(evaluation.run, tmp_path / "evaluation", {}) == {"versions": [1, 2], "simulated": 300}
