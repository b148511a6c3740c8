"""A fit as a kind of run: a snapshot goes in, a reward model version comes out."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.contrib.auth.models import User

from annotation.files import snapshots
from annotation.models import Project
from annotation.webhooks import telling
from annotation.withdrawal import lineage
from rewardmodel import activation, bases, choosing
from rewardmodel.bradley_terry.config import FitConfig
from rewardmodel.errors import BadFitConfig
from rewardmodel.models import Fit, RewardModelSettings, RewardModelVersion
from runs import artifacts, lifecycle
from runs.folder.config import parse_config
from runs.folder.errors import BadInput
from runs.folder.files import read_json
from runs.folder.folder import RunFolder
from runs.folder.processes import command_of
from runs.kinds import Kind
from runs.models import Artifact, Run
from runs.writing import write


@write
def request_fit(
    *,
    project: Project,
    config: Mapping[str, Any] | None = None,
    warm: bool = False,
    why: str = "",
    created_by: User | None = None,
) -> Run:
    """Queue a fit on the project's judgements as they will be when it begins.

    ``config`` holds fields of FitConfig; they win over the project's settings. A ``warm`` one goes on from the active
    version, its head included. Raises BadFitConfig, NoRewardModel.
    """
    settings = RewardModelSettings.objects.filter(project=project).first()
    fields = {**(settings.config if settings else {}), **(config or {})}
    named = str(fields.pop("base", ""))
    base = bases.active(project) if warm else bases.base_for(project=project, named=named)
    if warm:
        fields["keep_head"] = True
    try:
        parse_config(FitConfig, {**fields, "base": base.name})
    except BadInput as error:
        raise BadFitConfig(str(error)) from error
    run = lifecycle.create(kind=KIND.name, created_by=created_by, queue=Run.Queue.GPU)
    Fit.objects.create(
        run=run, project=project, base=base.name, base_artifact=base.artifact, config=fields, why=why
    )
    return run


@write
def request_again(run: Run, created_by: User | None) -> Run:
    """Queue a fit from the same base and with the same config, on the judgements as they will be then."""
    fit = run.fit
    another = lifecycle.create(kind=KIND.name, created_by=created_by, queue=run.queue)
    Fit.objects.create(
        run=another,
        project=fit.project,
        base=fit.base,
        base_artifact=fit.base_artifact,
        config=fit.config,
        why=f"run {run.pk} again",
    )
    return another


def _prepare(run: Run, folder: RunFolder) -> None:
    """Take the snapshot, and freeze the config with the base as a place on this machine."""
    fit = run.fit
    snapshot = snapshots.take(project=fit.project)
    Fit.objects.filter(pk=fit.pk).update(snapshot=snapshot)
    source = artifacts.local_folder(snapshot.artifact) / snapshots.FILE_NAME
    (folder.inputs / snapshots.FILE_NAME).write_bytes(source.read_bytes())
    config = {"date": run.day, **fit.config, "base": bases.location(fit)}
    active = activation.active_version(fit.project)
    Fit.objects.filter(pk=fit.pk).update(incumbent=active)
    if active is not None:
        config["incumbent"] = str(artifacts.local_folder(active.artifact))
    folder.write_config(config)


def _command(run: Run, folder: RunFolder) -> list[str]:
    return command_of("rewardmodel.bradley_terry", "fit", folder)


class Fitted(NamedTuple):
    """What a fit's child made."""

    artifact: Artifact
    report: dict[str, Any]


def _store(run: Run, folder: RunFolder) -> Fitted:
    report = read_json(folder.output / "meta.json")["report"]
    return Fitted(artifacts.store(folder=folder.output, kind="reward_model", run=run), report)


def _finish(run: Run, fitted: Fitted) -> None:
    """Make the version, numbered under the project's lock: NO KEY, so that annotators' rows go on pointing at it."""
    fit = Fit.objects.select_related("project", "incumbent", "snapshot").get(run=run)
    project = Project.objects.select_for_update(no_key=True).get(pk=fit.project_id)
    last = RewardModelVersion.objects.filter(project=project).order_by("-number").first()
    version = RewardModelVersion.objects.create(
        project=project,
        number=last.number + 1 if last else 1,
        fit=fit,
        artifact=fitted.artifact,
        report=fitted.report,
    )
    activation.consider(version=version)
    telling.version_proposed(
        project_id=project.pk,
        of="reward_model",
        number=version.number,
        proposal=version.proposal,
        in_use=version.is_active,
    )
    choosing.follow(version=version)
    simulated = lineage.simulated(project).of("reward_models", version.number)
    Run.objects.filter(pk=run.pk).update(
        result={
            "reward_model": version.number,
            "activation": version.activation,
            "rankings": fit.snapshot.rankings if fit.snapshot else 0,
            "simulated": simulated,
            "accuracy": ((fitted.report.get("held_out") or {}).get("accuracy") or {}).get("value"),
        }
    )


KIND = Kind(
    name="fit_reward_model",
    title="Fit a reward model",
    prepare=_prepare,
    command=_command,
    store=_store,
    finish=_finish,
    row="fit",
    again=request_again,
    resumes=True,
)
