"""Reward model versions of what a fit left."""

from pathlib import Path

from annotation.models import Project
from rewardmodel import activation
from rewardmodel.models import Fit, RewardModelVersion
from runs import artifacts
from runs.models import Run


def make_active(project: Project, output: Path, number: int = 1) -> RewardModelVersion:
    """The active version of ``project``, of a fit's output/, in the test's own storage."""
    run = Run.objects.create(kind="fit_reward_model")
    version = RewardModelVersion.objects.create(
        project=project,
        number=number,
        fit=Fit.objects.create(run=run, project=project),
        artifact=artifacts.store(folder=output, kind="reward_model", run=run),
        report={},
    )
    activation.activate(version=version, why="For the test.")
    return version
