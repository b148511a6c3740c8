"""A reward model version as a folder for transformers or peft; a child process writes it, so that torch stays out."""

import sys
import tempfile
from pathlib import Path
from typing import Any

from annotation.withdrawal import lineage
from rewardmodel import bases
from rewardmodel.errors import HandingOverFailed
from rewardmodel.models import RewardModelVersion
from runs import artifacts
from runs.child import run_to_end
from runs.folder.errors import BadInput
from runs.folder.files import folder_digest, read_json, whole_folder
from runs.folder.folder import RunFolder


def hand_over(
    *, version: RewardModelVersion, output: Path, adapter: bool = False, license: str = "other"
) -> dict[str, Any]:
    """Write ``output``, which holds nothing yet; what there is to say of it. Raises HandingOverFailed."""
    fit, project = version.fit, version.project
    config = {
        "model": str(artifacts.local_folder(version.artifact)),
        "title": f"{project.name}: {version}",
        "adapter": adapter,
        "base": bases.location(fit) if adapter and fit.base != bases.SCRATCH else "",
        "base_model": "" if fit.base_artifact else hub_name(fit.base),
        "license": license,
        "simulated": lineage.simulated(project).of("reward_models", version.number),
    }
    return {"reward_model": version.number, **write_folder("rewardmodel.bradley_terry", config, output)}


def hub_name(base: str) -> str:
    """``base`` where it means something on another machine too, else nothing."""
    return "" if base == bases.SCRATCH or Path(base).is_absolute() or Path(base).is_dir() else base


def write_folder(package: str, config: dict[str, Any], output: Path) -> dict[str, Any]:
    """Let ``python -m PACKAGE export`` write ``output`` whole or not at all; its report. Raises HandingOverFailed."""
    try:
        with (
            whole_folder(output.absolute()) as part,
            tempfile.TemporaryDirectory(prefix="concord-export-") as name,
        ):
            folder = RunFolder(Path(name))
            folder.make()
            folder.write_config({**config, "output": str(part)})
            if reason := run_to_end([sys.executable, "-m", package, "export", name], folder):
                raise HandingOverFailed(reason)
            report: dict[str, Any] = read_json(folder.output / "report.json")
    except BadInput as error:
        raise HandingOverFailed(str(error)) from error
    return {"folder": str(output), "digest": folder_digest(output), **report}
