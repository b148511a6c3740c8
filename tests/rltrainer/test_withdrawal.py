"""Which versions used what was withdrawn: through snapshots, runs, and the versions that they started from."""

from typing import Any

import pytest

from annotation.lineage import descended
from annotation.models import Project, Snapshot, Source
from rewardmodel.models import Fit, RewardModelVersion
from rltrainer.models import PolicyVersion, Training
from runs.models import Artifact, Run
from tests.annotation.factories import make_project

pytestmark = pytest.mark.django_db


def artifact(name: str, kind: str) -> Artifact:
    return Artifact.objects.create(digest=f"{name:0>64}", kind=kind, files={})


def make_snapshot(project: Project, name: str) -> Snapshot:
    return Snapshot.objects.create(
        project=project,
        digest=name,
        artifact=artifact(name, "snapshot"),
        rankings=1,
        comparisons=1,
        last_ranking_id=1,
    )


def make_reward_model(
    project: Project, number: int, snapshot: Snapshot, base: PolicyVersion | None = None
) -> RewardModelVersion:
    fit = Fit.objects.create(
        run=Run.objects.create(kind="fit_reward_model"),
        project=project,
        snapshot=snapshot,
        base_artifact=base.artifact if base else None,
    )
    made = artifact(f"a{number}", "reward_model")
    return RewardModelVersion.objects.create(
        project=project, number=number, fit=fit, artifact=made, report={}
    )


def make_policy(project: Project, number: int, **training: Any) -> PolicyVersion:
    fields: dict[str, Any] = {"base": "hub/name"}
    if training:
        run = Run.objects.create(kind="train_policy")
        fields = {
            "artifact": artifact(f"b{number}", "policy"),
            "training": Training.objects.create(run=run, project=project, **training),
        }
    source = Source.objects.create(project=project, kind="policy", name=f"policy v{number}")
    return PolicyVersion.objects.create(project=project, number=number, source=source, **fields)


def test_every_version_that_used_it_is_listed_and_no_other() -> None:
    project = make_project()
    held, free = make_snapshot(project, "held"), make_snapshot(project, "free")
    base = make_policy(project, 1)
    sft = make_policy(project, 2, algorithm="sft")
    used, clean = make_reward_model(project, 1, held), make_reward_model(project, 2, free)
    followed = make_policy(project, 3, algorithm="ppo", start=base, reward_model=used)
    make_policy(project, 4, algorithm="ppo", start=sft, reward_model=clean)
    make_policy(project, 5, algorithm="ppo", start=followed, reward_model=clean)
    make_reward_model(project, 3, free, base=followed)
    assert descended(project=project, snapshots={held.pk}, runs=set()) == {
        "policies": [3, 5],
        "reward_models": [1, 3],
    }
    # A demonstration that only the SFT run had read.
    assert sft.training is not None
    assert descended(project=project, snapshots=set(), runs={sft.training.run_id}) == {
        "policies": [2, 4],
        "reward_models": [],
    }
    assert descended(project=project, snapshots=set(), runs=set()) == {"policies": [], "reward_models": []}
    assert descended(project=make_project(), snapshots={held.pk}, runs=set()) == {}
