"""A reward model version as a folder for transformers or peft: into a folder at once, or as a kind of run.

A child process writes it, so that torch stays out.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User

from annotation.models import Project
from annotation.withdrawal import lineage
from lm.lora import ADAPTER
from rewardmodel import bases
from rewardmodel.errors import HandingOverFailed
from rewardmodel.models import RewardModelExport, RewardModelVersion
from runs import artifacts, lifecycle
from runs.child import run_to_end
from runs.folder.errors import BadInput
from runs.folder.files import folder_digest, read_json, whole_folder
from runs.folder.folder import RunFolder
from runs.folder.processes import command_of
from runs.kinds import Kind
from runs.models import Run
from runs.writing import write

NO_ADAPTER = (
    "The adapter of {version} was not kept, or there is no base to put it beside: all its weights were trained, or it "
    "was registered as it is. Export it whole."
)


def hand_over(
    *, version: RewardModelVersion, output: Path, adapter: bool = False, license: str = "other"
) -> dict[str, Any]:
    """Write ``output``, which holds nothing yet; what there is to say of it. Raises HandingOverFailed."""
    config = _config(version, adapter, license)
    return {"reward_model": version.number, **write_folder("rewardmodel.bradley_terry", config, output)}


@write
def request_export(
    *,
    version: RewardModelVersion,
    adapter: bool = False,
    license: str = "other",
    created_by: User | None = None,
) -> Run:
    """Queue the same into the run's folder, from where its page offers it. Raises HandingOverFailed.

    An adapter is loaded beside its base, which workers of the queue ``gpu`` are known to have.
    """
    if adapter and not has_adapter(version):
        raise HandingOverFailed(NO_ADAPTER.format(version=version))
    queue = Run.Queue.GPU if adapter else Run.Queue.CPU
    run = lifecycle.create(kind=KIND.name, created_by=created_by, queue=queue)
    RewardModelExport.objects.create(
        run=run, project=version.project, version=version, adapter=adapter, license=license
    )
    return run


def has_adapter(version: RewardModelVersion) -> bool:
    """Whether what LoRA learnt was kept, and there is a base to put it beside."""
    fit = version.fit
    return ADAPTER in version.artifact.files and (
        fit.base_artifact_id is not None or fit.base != bases.SCRATCH
    )


def folder_name(project: Project, version: str, *, adapter: bool) -> str:
    """What the folder of a version is called, wherever it goes: helpful-reward-model-v3."""
    return f"{project.slug}-{version.replace(' ', '-')}{'-adapter' if adapter else ''}"


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


def _config(version: RewardModelVersion, adapter: bool, license: str) -> dict[str, Any]:
    """ExportConfig, but for the output."""
    fit, project = version.fit, version.project
    return {
        "model": str(artifacts.local_folder(version.artifact)),
        "title": f"{project.name}: {version}",
        "adapter": adapter,
        "base": bases.location(fit) if adapter and fit.base != bases.SCRATCH else "",
        "base_model": "" if fit.base_artifact else hub_name(fit.base),
        "license": license,
        "simulated": lineage.simulated(project).of("reward_models", version.number),
    }


def export_kind(
    *,
    of: str,
    title: str,
    package: str,
    config: Callable[[Any, bool, str], dict[str, Any]],
    request: Callable[..., Run],
) -> Kind[dict[str, Any]]:
    """The kind of run that has ``python -m PACKAGE export`` write a version into the run's folder.

    ``of`` is what is handed over: its row is OF_export, its kind export_OF. ``config`` is ExportConfig but for the
    output, of a version, whether the adapter alone, and a license. ``request`` queues it.
    """
    row = f"{of}_export"

    def output(run: Run, folder: RunFolder) -> Path:
        export = getattr(run, row)
        return folder.output / folder_name(export.project, str(export.version), adapter=export.adapter)

    def prepare(run: Run, folder: RunFolder) -> None:
        export = getattr(run, row)
        place = output(run, folder).relative_to(folder.path)
        folder.write_config({**config(export.version, export.adapter, export.license), "output": str(place)})

    def store(run: Run, folder: RunFolder) -> dict[str, Any]:
        """It stays in the run's folder: a version that is kept can be handed over again."""
        place = output(run, folder)
        report: dict[str, Any] = read_json(folder.output / "report.json")
        return {"folder": place.name, "digest": folder_digest(place), **report}

    def finish(run: Run, report: dict[str, Any]) -> None:
        result = {of: getattr(run, row).version.number, **report}
        Run.objects.filter(pk=run.pk).update(result=result)

    def again(run: Run, created_by: User | None) -> Run:
        export = getattr(run, row)
        return request(
            version=export.version, adapter=export.adapter, license=export.license, created_by=created_by
        )

    return Kind(
        name=f"export_{of}",
        title=title,
        prepare=prepare,
        command=lambda run, folder: command_of(package, "export", folder),
        store=store,
        finish=finish,
        row=row,
        again=again,
    )


KIND = export_kind(
    of="reward_model",
    title="Export a reward model",
    package="rewardmodel.bradley_terry",
    config=_config,
    request=request_export,
)
