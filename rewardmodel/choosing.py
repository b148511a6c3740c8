"""Active choice, as a kind of run: open tasks are asked in the order in which the reward model is unsure of them.

A comparison that a reward model is sure of teaches the next one little. The doubt of a task is the mean, over the pairs
of its completions, of 4 p (1 - p), where p is the chance that the model gives the first of being preferred: 1 where it
cannot tell, 0 where it is certain. (Variance of a Bernoulli trial; uncertainty sampling, Lewis and Gale 1994.)

It becomes the task's priority, 1 to 1000. What people gave a priority of their own keeps it. Tasks that are asked for
that reason are no fair sample: their assignments say so, and figures of agreement and of held-out rankings leave them
out, unless chance drew them too. So that something is left to measure on, a project that draws no tasks at random
(``random_share``) draws one in ten from then on.
"""

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import combinations, groupby
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet

from annotation.files import intake
from annotation.models import Project, Task
from rewardmodel import activation, rewards
from rewardmodel.errors import NothingToChoose
from rewardmodel.models import Choosing, RewardModelSettings, RewardModelVersion
from runs import artifacts, lifecycle, preparing
from runs.folder.files import read_json, read_jsonl
from runs.folder.folder import RunFolder
from runs.kinds import Kind
from runs.models import Run
from runs.writing import write

# The oldest open tasks that are looked at; what is sampled later is looked at by the next run.
MOST_TASKS = 20_000
TASKS_AT_ONCE = 500
HIGHEST = 1000
# Of the tasks that are asked, drawn at random where a project has no share of its own.
FAIR_SHARE = 0.1


@write
def request_choice(*, project: Project, created_by: User | None = None) -> Run:
    """Queue a look of the active reward model at the open tasks. Raises NoRewardModel, NothingToChoose.

    Locks the project where it has to begin to draw tasks at random.
    """
    version = activation.require_active(project)
    if not open_tasks(project).exists():
        raise NothingToChoose(f"{project.slug} has no open task to rank: sample or import completions.")
    if not project.random_share:
        intake.configure_project(project=project, random_share=FAIR_SHARE)
    run = lifecycle.create(kind=KIND.name, created_by=created_by, queue=Run.Queue.GPU)
    Choosing.objects.create(run=run, project=project, version=version)
    return run


@write
def follow(*, version: RewardModelVersion) -> None:
    """Queue such a look where ``version`` is active now, the project wants it, and there is something to look at."""
    chooses = RewardModelSettings.objects.filter(project=version.project_id, choose_next=True).exists()
    if version.is_active and chooses:
        with suppress(NothingToChoose):
            request_choice(project=version.project)


def forget(*, project: Project) -> int:
    """Ask in the order of their making again what a reward model had put first; of how many tasks. Raises Busy."""
    chosen = Task.objects.filter(project=project).exclude(ordered_by="").values_list("pk", flat=True)
    return intake.set_priorities(project=project, priorities=dict.fromkeys(chosen, 0))


def doubt(scores: Sequence[float], deviation: float) -> float:
    """The mean over pairs of 4 p (1 - p), from normalised scores and the standard deviation they were divided by."""
    pairs = list(combinations(scores, 2))
    return sum(1 / math.cosh(deviation * (a - b) / 2) ** 2 for a, b in pairs) / len(pairs)


def open_tasks(project: Project) -> "QuerySet[Task]":
    """Those to be ranked that somebody can still be asked, but for those that people gave a priority of their own."""
    free = Task.objects.ranked().with_free_place().filter(project=project)
    return free.filter(Q(priority=0) | ~Q(ordered_by="")).order_by("pk")


def _prepare(run: Run, folder: RunFolder) -> None:
    """A line a completion."""
    choosing = Choosing.objects.select_related("project", "version__artifact").get(run=run)
    with transaction.atomic(), (folder.inputs / rewards.TEXTS).open("w", encoding="utf-8") as file:
        for number, task in enumerate(_read(choosing.project)):
            if number % TASKS_AT_ONCE == 0:
                preparing.check_stop()
            for entry in task.entries.all():
                line = {"task": task.pk, **rewards.line_of(entry.completion, task.prompt)}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
    folder.write_config({"reward_model": str(artifacts.local_folder(choosing.version.artifact))})


def _read(project: Project) -> Iterator[Task]:
    tasks = open_tasks(project).select_related("prompt").prefetch_related("entries__completion")
    return tasks[:MOST_TASKS].iterator(chunk_size=TASKS_AT_ONCE)


def _store(run: Run, folder: RunFolder) -> dict[int, int]:
    """Each task's priority. The child's scores are normalised, and its artifact says by what; they are kept too."""
    for batch in rewards.read(folder.output / rewards.SCORES):
        rewards.keep(version=run.choosing.version, values=batch.values)
    meta = read_json(Path(folder.read_config()["reward_model"]) / "meta.json")
    deviation = float(meta["normalisation"]["std"])
    tasks = (int(line["task"]) for line in read_jsonl(folder.inputs / rewards.TEXTS))
    scores = (float(line["score"]) for line in read_jsonl(folder.output / rewards.SCORES))
    by_task = groupby(zip(tasks, scores, strict=True), key=lambda pair: pair[0])
    return {
        task: max(1, round(HIGHEST * doubt([score for _, score in pairs], deviation)))
        for task, pairs in by_task
    }


def _finish(run: Run, priorities: dict[int, int]) -> None:
    choosing = Choosing.objects.select_related("project", "version").get(run=run)
    moved = intake.set_priorities(
        project=choosing.project, priorities=priorities, by=str(choosing.version), patient=True
    )
    result: dict[str, Any] = {
        "tasks": len(priorities),
        "moved": moved,
        "reward_model": choosing.version.number,
    }
    Run.objects.filter(pk=run.pk).update(result=result)


KIND = Kind(
    name="choose_tasks",
    title="Put the tasks in order of doubt",
    prepare=_prepare,
    command=rewards.command,
    store=_store,
    finish=_finish,
    row="choosing",
    again=lambda run, created_by: request_choice(project=run.choosing.project, created_by=created_by),
)
