"""SFT, PPO and REINFORCE as a kind of run: a policy version comes out."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.contrib.auth.models import User

from annotation.files import snapshots
from annotation.models import Demonstration, Project, Prompt
from annotation.withdrawal import lineage
from rewardmodel import activation
from rltrainer import policies, succession
from rltrainer.errors import BadConfig, NoDemonstrations, NoPrompts
from rltrainer.models import PolicySettings, PolicyVersion, Training
from rltrainer.policy.config import SftConfig
from rltrainer.ppo.config import PpoConfig
from runs import artifacts, lifecycle
from runs.folder.config import parse_config
from runs.folder.errors import BadInput
from runs.folder.files import read_json
from runs.folder.folder import RunFolder
from runs.folder.processes import command_of
from runs.kinds import Kind
from runs.models import Artifact, Run
from runs.writing import write

SFT = Training.Algorithm.SFT


@write
def request_training(
    *,
    project: Project,
    algorithm: str,
    config: Mapping[str, Any] | None = None,
    start: PolicyVersion | None = None,
    created_by: User | None = None,
) -> Run:
    """Queue a training. SFT starts from ``config["base"]``, else ``start``, else the current policy, else scratch;
    PPO and REINFORCE start from ``start`` or the current policy, and follow the active reward model.

    Raises BadConfig, NoPolicy, NoRewardModel, NoDemonstrations, NoPrompts.
    """
    fields = {**_project_fields(project, algorithm), **(config or {})}
    if algorithm == SFT:
        return _request_sft(project, fields, start, created_by)
    start = start or policies.require_policy(project=project)
    reward_model = activation.require_active(project)
    if not Prompt.objects.kept().filter(project=project).exists():
        raise NoPrompts(f"{project.slug} has no prompts: import some first.")
    _check(PpoConfig, {**fields, "algorithm": algorithm, "policy": "policy", "reward_model": "reward model"})
    run = lifecycle.create(kind=KIND.name, variant=algorithm, created_by=created_by, queue=Run.Queue.GPU)
    Training.objects.create(
        run=run, project=project, algorithm=algorithm, config=fields, start=start, reward_model=reward_model
    )
    return run


def _request_sft(
    project: Project, fields: dict[str, Any], start: PolicyVersion | None, created_by: User | None
) -> Run:
    if not Demonstration.objects.kept().filter(project=project).exists():
        raise NoDemonstrations(f"{project.slug} has no demonstrations: import some first.")
    if "base" not in fields:
        start = start or policies.current_policy(project)
    _check(SftConfig, {"base": "policy" if start else "scratch", **fields})
    run = lifecycle.create(kind=KIND.name, variant=SFT, created_by=created_by, queue=Run.Queue.GPU)
    Training.objects.create(run=run, project=project, algorithm=SFT, config=fields, start=start)
    return run


@write
def request_again(run: Run, created_by: User | None) -> Run:
    """Queue a training that starts from the same, follows the same and has the same config."""
    training = run.training
    another = lifecycle.create(kind=KIND.name, variant=run.variant, created_by=created_by, queue=run.queue)
    Training.objects.create(
        run=another,
        project=training.project,
        algorithm=training.algorithm,
        config=training.config,
        start=training.start,
        reward_model=training.reward_model,
    )
    return another


def _project_fields(project: Project, algorithm: str) -> dict[str, Any]:
    settings = PolicySettings.objects.filter(project=project).first()
    if settings is None:
        return {}
    return dict(settings.sft if algorithm == SFT else settings.ppo)


def _check(kind: type[Any], fields: Mapping[str, Any]) -> None:
    try:
        parse_config(kind, fields)
    except BadInput as error:
        raise BadConfig(str(error)) from error


def _prepare(run: Run, folder: RunFolder) -> None:
    training = Training.objects.select_related("project", "start__artifact", "reward_model__artifact").get(
        run=run
    )
    project = training.project
    if training.algorithm == SFT:
        snapshots.write_demonstrations(project=project, path=folder.inputs / "demonstrations.jsonl")
        start = policies.location(training.start) if training.start else "scratch"
        folder.write_config({"date": run.day, "base": start, **training.config})
        return
    assert training.start is not None and training.reward_model is not None  # noqa: PT018 (a constraint holds it)
    prompts = Prompt.objects.kept().filter(project=project).order_by("id")
    snapshots.write_prompts(prompts=prompts, path=folder.inputs / "prompts.jsonl")
    folder.write_config(
        {
            "date": run.day,
            **training.config,
            "algorithm": training.algorithm,
            "policy": policies.location(training.start),
            "reward_model": str(artifacts.local_folder(training.reward_model.artifact)),
        }
    )


def _command(run: Run, folder: RunFolder) -> list[str]:
    if run.training.algorithm == SFT:
        return command_of("rltrainer.policy", "sft", folder)
    return command_of("rltrainer.ppo", "train", folder)


class Trained(NamedTuple):
    """What a training's child made."""

    artifact: Artifact
    report: dict[str, Any]


def _store(run: Run, folder: RunFolder) -> Trained:
    report_file = folder.output / "report.json"
    report = read_json(report_file) if report_file.exists() else {}
    return Trained(artifacts.store(folder=folder.output, kind="policy", run=run), report)


def _finish(run: Run, trained: Trained) -> None:
    """Make the version, current if the rule lets it (succession). Locks the project, so that what is current when it is
    looked at is current still when it is replaced."""
    training = Training.objects.select_related("project", "start").get(run=run)
    policies.lock(training.project)
    decision = succession.decide(training, trained.report)
    version = policies.make_version(
        project=training.project,
        artifact=trained.artifact,
        training=training,
        report=trained.report,
        current=decision.current,
        proposal=decision.proposal,
        why=decision.why,
    )
    simulated = lineage.simulated(training.project).of("policies", version.number)
    Run.objects.filter(pk=run.pk).update(
        result={
            "policy": version.number,
            "current": decision.current,
            "why": decision.why,
            "simulated": simulated,
            "gain": (trained.report.get("gain") or {}).get("value"),
        }
    )


KIND = Kind(
    name="train_policy",
    title="Train a policy",
    prepare=_prepare,
    command=_command,
    store=_store,
    finish=_finish,
    row="training",
    again=request_again,
    resumes=True,
    # A withdrawal finds the policies that learned from a text by what their runs had read.
    lasting=("inputs", "config.json"),
)
