"""A policy sampled into new tasks, as a kind of run."""

import sys
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, Q, QuerySet

from annotation.files import intake, snapshots
from annotation.models import Project, Prompt
from rltrainer import policies
from rltrainer.errors import BadConfig, NoPrompts
from rltrainer.lineage import simulated_behind
from rltrainer.models import PolicySettings, PolicyVersion, Sampling
from rltrainer.policy.config import SampleConfig
from runs import lifecycle
from runs.folder.config import parse_config
from runs.folder.errors import BadInput
from runs.folder.files import read_jsonl
from runs.folder.folder import RunFolder
from runs.kinds import Kind
from runs.models import Run
from runs.writing import write


@write
def request_sampling(
    *,
    project: Project,
    policy: PolicyVersion | None = None,
    prompts: int = 100,
    config: Mapping[str, Any] | None = None,
    created_by: User | None = None,
) -> Run:
    """Queue a sampling of ``policy`` (else the current one) on the prompts that have the fewest tasks.

    Raises BadConfig, NoPolicy, NoPrompts.
    """
    policy = policy or policies.require_policy(project=project)
    if not Prompt.objects.kept().filter(project=project).exists():
        raise NoPrompts(f"{project.slug} has no prompts: import some first.")
    settings = PolicySettings.objects.filter(project=project).first()
    fields = {**(settings.sampling if settings else {}), **(config or {})}
    try:
        parse_config(SampleConfig, {"base": "policy", "completions": project.completions_per_task, **fields})
    except BadInput as error:
        raise BadConfig(str(error)) from error
    run = lifecycle.create(kind=KIND.name, created_by=created_by, queue=Run.Queue.GPU)
    Sampling.objects.create(run=run, project=project, policy=policy, prompts=prompts, config=fields)
    return run


@write
def request_again(run: Run, created_by: User | None) -> Run:
    """Queue another sampling of the same policy, with the same config; its numbers are drawn anew."""
    sampling = run.sampling
    another = lifecycle.create(kind=KIND.name, created_by=created_by, queue=run.queue)
    Sampling.objects.create(
        run=another,
        project=sampling.project,
        policy=sampling.policy,
        prompts=sampling.prompts,
        config=sampling.config,
    )
    return another


def _prompts_to_sample(sampling: Sampling) -> QuerySet[Prompt]:
    """The prompts with the fewest tasks, in the order of their digests: as good as random, and repeatable."""
    return (
        Prompt.objects.kept()
        .filter(project=sampling.project)
        .annotate(task_count=Count("tasks", filter=Q(tasks__repeats=None)))
        .order_by("task_count", "digest")[: sampling.prompts]
    )


def _prepare(run: Run, folder: RunFolder) -> None:
    sampling = Sampling.objects.select_related("project", "policy__artifact").get(run=run)
    snapshots.write_prompts(prompts=_prompts_to_sample(sampling), path=folder.inputs / "prompts.jsonl")
    folder.write_config(
        {
            "completions": sampling.project.completions_per_task,
            "seed": run.pk,
            "date": run.day,
            **sampling.config,
            "base": policies.location(sampling.policy),
        }
    )


def _command(run: Run, folder: RunFolder) -> list[str]:
    return [sys.executable, "-m", "rltrainer.policy", "sample", str(folder.path)]


def _store(run: Run, folder: RunFolder) -> list[dict[str, Any]]:
    """Its output is rows: nothing is kept as a file."""
    return list(read_jsonl(folder.output / "samples.jsonl"))


def _finish(run: Run, lines: list[dict[str, Any]]) -> None:
    sampling = Sampling.objects.select_related("project", "policy__source").get(run=run)
    completions = intake.add_sampled_completions(
        project=sampling.project, source=sampling.policy.source, samples=_samples(sampling, lines)
    )
    sampling.completions.add(*completions)
    Run.objects.filter(pk=run.pk).update(
        result={
            "policy": sampling.policy.number,
            "completions": len(completions),
            "simulated": simulated_behind(run),
        }
    )


def _samples(sampling: Sampling, lines: list[dict[str, Any]]) -> list[intake.SampledPrompt]:
    prompts = Prompt.objects.filter(
        project=sampling.project, public_id__in=[line["prompt_id"] for line in lines]
    ).in_bulk(field_name="public_id")
    by_id = {str(public_id): prompt for public_id, prompt in prompts.items()}
    return [
        intake.SampledPrompt(
            prompt=by_id[line["prompt_id"]],
            texts=[completion["text"] for completion in line["completions"]],
            sampling=line["sampling"],
        )
        for line in lines
    ]


KIND = Kind(
    name="sample_completions",
    title="Sample completions",
    prepare=_prepare,
    command=_command,
    store=_store,
    finish=_finish,
    row="sampling",
    again=request_again,
)
