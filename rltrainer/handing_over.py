"""A policy version as a folder for transformers or peft: into a folder at once, or as a kind of run.

A child process writes it, so that torch stays out.
"""

from pathlib import Path
from typing import Any

from django.contrib.auth.models import User

from annotation.withdrawal import lineage
from lm.lora import ADAPTER
from rewardmodel.errors import HandingOverFailed
from rewardmodel.handing_over import NO_ADAPTER, export_kind, hub_name, write_folder
from rltrainer import policies
from rltrainer.models import PolicyExport, PolicyVersion
from runs import lifecycle
from runs.models import Run
from runs.writing import write


def hand_over(
    *, version: PolicyVersion, output: Path, adapter: bool = False, license: str = "other"
) -> dict[str, Any]:
    """Write ``output``, which holds nothing yet; what there is to say of it. Raises HandingOverFailed."""
    config = _config(version, adapter, license)
    return {"policy": version.number, **write_folder("rltrainer.policy", config, output)}


@write
def request_export(
    *,
    version: PolicyVersion,
    adapter: bool = False,
    license: str = "other",
    created_by: User | None = None,
) -> Run:
    """Queue the same into the run's folder, from where its page offers it. Raises HandingOverFailed.

    An adapter is loaded beside its base, and a base that was registered is where it was: workers of the queue ``gpu``
    are known to have both. Any other policy is whole in the artifacts' storage.
    """
    if adapter and not has_adapter(version):
        raise HandingOverFailed(NO_ADAPTER.format(version=version))
    queue = Run.Queue.GPU if adapter or version.artifact is None else Run.Queue.CPU
    run = lifecycle.create(kind=KIND.name, created_by=created_by, queue=queue)
    PolicyExport.objects.create(
        run=run, project=version.project, version=version, adapter=adapter, license=license
    )
    return run


def has_adapter(version: PolicyVersion) -> bool:
    """Whether what LoRA learnt was kept, and there is a base to put it beside."""
    artifact, training = version.artifact, version.training
    if artifact is None or training is None:
        return False
    return ADAPTER in artifact.files and bool(training.config.get("base") or training.start_id)


def _config(version: PolicyVersion, adapter: bool, license: str) -> dict[str, Any]:
    """ExportConfig, but for the output."""
    return {
        "model": policies.location(version),
        "title": f"{version.project.name}: {version}",
        "adapter": adapter,
        "base": _base(version) if adapter else "",
        "base_model": _goes_back_to(version),
        "license": license,
        "simulated": lineage.simulated(version.project).of("policies", version.number),
    }


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


KIND = export_kind(
    of="policy",
    title="Export a policy",
    package="rltrainer.policy",
    config=_config,
    request=request_export,
)
