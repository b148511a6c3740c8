"""Policies compared on the same held-out prompts, as a kind of run."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.models import User

from annotation.files import snapshots
from annotation.models import Project, Prompt
from rewardmodel import activation
from rltrainer import policies
from rltrainer.errors import BadConfig, NoPrompts
from rltrainer.lineage import simulated_behind
from rltrainer.models import Evaluation, PolicyVersion
from rltrainer.policy.config import EvaluateConfig
from runs import artifacts, lifecycle
from runs.folder.config import parse_config
from runs.folder.errors import BadInput
from runs.folder.files import read_json
from runs.folder.folder import RunFolder
from runs.kinds import Kind
from runs.models import Run
from runs.writing import write

HELD_OUT = ("validation", "test")


@write
def request_evaluation(
    *,
    project: Project,
    versions: Sequence[PolicyVersion],
    config: Mapping[str, Any] | None = None,
    created_by: User | None = None,
) -> Run:
    """Queue a comparison of ``versions``, the lowest number being the reference. Raises BadConfig, NoPrompts."""
    if not Prompt.objects.kept().filter(project=project, split__in=HELD_OUT).exists():
        raise NoPrompts(
            f"{project.slug} has no held-out prompts (split validation or test) to compare policies on."
        )
    try:
        parse_config(EvaluateConfig, {**(config or {}), "policies": [str(v.number) for v in versions]})
    except BadInput as error:
        raise BadConfig(str(error)) from error
    run = lifecycle.create(kind=KIND.name, created_by=created_by, queue=Run.Queue.GPU)
    evaluation = Evaluation.objects.create(
        run=run, project=project, reward_model=activation.active_version(project), config=dict(config or {})
    )
    evaluation.policies.set(versions)
    return run


@write
def request_again(run: Run, created_by: User | None) -> Run:
    """Queue the same comparison, by the reward model that is active now."""
    evaluation = run.evaluation
    return request_evaluation(
        project=evaluation.project,
        versions=list(evaluation.policies.all()),
        config=evaluation.config,
        created_by=created_by,
    )


def newest_report(project: Project) -> Evaluation | None:
    """The last comparison that has something to show."""
    done = Evaluation.objects.filter(project=project, run__status=Run.Status.SUCCEEDED)
    return done.select_related("run", "project", "reward_model").order_by("-pk").first()


def _prepare(run: Run, folder: RunFolder) -> None:
    evaluation = Evaluation.objects.select_related("project", "reward_model__artifact").get(run=run)
    prompts = Prompt.objects.kept().filter(project=evaluation.project, split__in=HELD_OUT).order_by("digest")
    snapshots.write_prompts(prompts=prompts, path=folder.inputs / "prompts.jsonl")
    # Of these the child takes those that no policy was trained on.
    snapshots.write_demonstrations(project=evaluation.project, path=folder.inputs / "demonstrations.jsonl")
    config = {
        "date": run.day,
        **evaluation.config,
        "policies": [policies.location(v) for v in _versions(evaluation)],
    }
    if evaluation.reward_model is not None:
        config["reward_model"] = str(artifacts.local_folder(evaluation.reward_model.artifact))
    folder.write_config(config)


def _versions(evaluation: Evaluation) -> list[PolicyVersion]:
    return list(evaluation.policies.select_related("artifact").order_by("number"))


def _command(run: Run, folder: RunFolder) -> list[str]:
    return [sys.executable, "-m", "rltrainer.policy", "evaluate", str(folder.path)]


def _store(run: Run, folder: RunFolder) -> dict[str, Any]:
    """Its output is a report in a row: nothing is kept as a file."""
    report: dict[str, Any] = read_json(folder.output / "report.json")
    return report


def _finish(run: Run, report: dict[str, Any]) -> None:
    evaluation = Evaluation.objects.get(run=run)
    report = {
        **report,
        "versions": [version.number for version in _versions(evaluation)],
        "simulated": simulated_behind(run),
    }
    Evaluation.objects.filter(pk=evaluation.pk).update(report=report)
    Run.objects.filter(pk=run.pk).update(result=report)


KIND = Kind(
    name="evaluate_policy",
    title="Compare policies",
    prepare=_prepare,
    command=_command,
    store=_store,
    finish=_finish,
    row="evaluation",
    again=request_again,
    resumes=True,
)
