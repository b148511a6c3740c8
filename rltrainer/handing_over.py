"""A policy version as a folder for transformers or peft; a child process writes it, so that torch stays out."""

from pathlib import Path
from typing import Any

from annotation.withdrawal import lineage
from rewardmodel.handing_over import hub_name, write_folder
from rltrainer import policies
from rltrainer.models import PolicyVersion


def hand_over(
    *, version: PolicyVersion, output: Path, adapter: bool = False, license: str = "other"
) -> dict[str, Any]:
    """Write ``output``, which holds nothing yet; what there is to say of it. Raises HandingOverFailed."""
    config = {
        "model": policies.location(version),
        "title": f"{version.project.name}: {version}",
        "adapter": adapter,
        "base": _base(version) if adapter else "",
        "base_model": _goes_back_to(version),
        "license": license,
        "simulated": lineage.simulated(version.project).of("policies", version.number),
    }
    return {"policy": version.number, **write_folder("rltrainer.policy", config, output)}


def _base(version: PolicyVersion) -> str:
    """What its training began with: a hub name or a folder on this machine; nothing where there was none."""
    training = version.training
    if training is None:
        return ""
    named = str(training.config.get("base", ""))
    return named or (policies.location(training.start) if training.start else "")


def _goes_back_to(version: PolicyVersion) -> str:
    """The hub name of the base that the first of all trainings before it began with."""
    training = version.training
    if training is None:
        return hub_name(version.base)
    named = str(training.config.get("base", ""))
    if named or training.start is None:
        return hub_name(named) if named else ""
    return _goes_back_to(training.start)
