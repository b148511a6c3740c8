"""Versions of later stages without the runs' work: what was made from what."""

from typing import Any

from annotation.models import Project, Snapshot, Source
from rewardmodel.models import Fit, RewardModelVersion
from rltrainer.models import PolicyVersion, Training
from runs.models import Artifact, Run


def artifact(name: str, kind: str) -> Artifact:
    """Without files."""
    return Artifact.objects.create(digest=f"{name:0>64}", kind=kind, files={})


def make_snapshot(project: Project, name: str, simulated: int = 0) -> Snapshot:
    """Of one ranking, or of the simulated ones."""
    return Snapshot.objects.create(
        project=project,
        digest=name,
        artifact=artifact(name, "snapshot"),
        rankings=max(1, simulated),
        simulated=simulated,
        comparisons=1,
        last_ranking_id=1,
    )


def make_reward_model(
    project: Project, number: int, snapshot: Snapshot, base: PolicyVersion | None = None
) -> RewardModelVersion:
    """A version with its fit and run."""
    fit = Fit.objects.create(
        run=Run.objects.create(kind="fit_reward_model"),
        project=project,
        snapshot=snapshot,
        base_artifact=base.artifact if base else None,
    )
    stored = artifact(f"a{number}", "reward_model")
    return RewardModelVersion.objects.create(
        project=project, number=number, fit=fit, artifact=stored, report={}
    )


def make_policy(project: Project, number: int, **training: Any) -> PolicyVersion:
    """A base, or what a training made."""
    fields: dict[str, Any] = {"base": "hub/name"}
    if training:
        run = Run.objects.create(kind="train_policy")
        fields = {
            "artifact": artifact(f"b{number}", "policy"),
            "training": Training.objects.create(run=run, project=project, **training),
        }
    source = Source.objects.create(project=project, kind="policy", name=f"policy v{number}")
    return PolicyVersion.objects.create(project=project, number=number, source=source, **fields)
