"""The rewards that versions give a project's completions, kept as rows: who hacks a reward stands at their ends.

    keep        what a version has given, however it came to be asked
    missing     the completions that it has given none
    given_to    what all versions have given some completions, for exports

and a kind of run that has a version score what is missing. The child writes as it goes, and the worker keeps it as it
comes, so that what is scored stays when the run is cancelled: another one goes on with the rest.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, QuerySet

from annotation.files.export.rewards import StoredReward
from annotation.models import Completion, Prompt
from rewardmodel.errors import AlreadyScoring, NothingToScore
from rewardmodel.models import Reward, Rewarding, RewardModelVersion
from runs import artifacts, lifecycle, preparing
from runs.folder.folder import RunFolder
from runs.folder.processes import command_of
from runs.kinds import Kind
from runs.models import Run
from runs.writing import write

TEXTS, SCORES = "scored.jsonl", "scores.jsonl"
# Rewards of one transaction, and texts that are in memory at once.
BATCH = 1000


def missing(version: RewardModelVersion) -> "QuerySet[Completion]":
    """The completions of its project that ``version`` has given no reward."""
    rewards = Reward.objects.filter(version=version, completion=OuterRef("pk"))
    return Completion.objects.kept().filter(~Exists(rewards), prompt__project=version.project_id)


def given_to(completions: "QuerySet[Completion]") -> Iterator[StoredReward]:
    """Each reward of each of these completions, once."""
    rows = Reward.objects.filter(completion__in=completions.values("pk"))
    for number, public_id, value in rows.values_list("version__number", "completion__public_id", "value"):
        yield StoredReward(number, str(public_id), value)


@write
def keep(*, version: RewardModelVersion, values: Mapping[UUID, float]) -> None:
    """Store the rewards of completions, by public id, but of those that have one or that are withdrawn.

    Locks the completions. A withdrawal does so too before it deletes rewards, so that it finds all of them.
    """
    rows = Completion.objects.filter(public_id__among=list(values)).order_by("pk")
    locked = list(rows.select_for_update(no_key=True).values_list("pk", flat=True))
    # Asked anew: while we waited they may have been withdrawn.
    rows = Completion.objects.kept().filter(pk__among=locked).order_by("pk")
    kept = rows.values_list("pk", "public_id")
    Reward.objects.bulk_create(
        [Reward(version=version, completion_id=pk, value=values[public_id]) for pk, public_id in kept],
        ignore_conflicts=True,
    )


class Batch(NamedTuple):
    """Rewards by the completions' public ids, and where in the file they end, in bytes."""

    values: dict[UUID, float]
    end: int


def read(path: Path, start: int = 0) -> Iterator[Batch]:
    """What a child has written whole into scores.jsonl, from a place on."""
    with path.open("rb") as file:
        file.seek(start)
        lines = _whole(file)
        while batch := list(islice(lines, BATCH)):
            start += sum(map(len, batch))
            records = map(json.loads, batch)
            yield Batch({UUID(record["completion_id"]): float(record["score"]) for record in records}, start)


def _whole(lines: Iterator[bytes]) -> Iterator[bytes]:
    """The last one may still be written."""
    for line in lines:
        if not line.endswith(b"\n"):
            return
        yield line


@write
def request_scoring(*, version: RewardModelVersion, created_by: User | None = None) -> Run:
    """Queue a scoring of what ``version`` has not scored yet. Raises NothingToScore, AlreadyScoring.

    Locks the version: two at once would have it score the same twice.
    """
    RewardModelVersion.objects.select_for_update(no_key=True).get(pk=version.pk)
    on_its_way = Run.objects.active().filter(rewarding__version=version).first()
    if on_its_way is not None:
        raise AlreadyScoring(
            f"Reward model v{version.number} is at it: see run {on_its_way.pk}, and ask again when it has ended."
        )
    if not missing(version).exists():
        raise NothingToScore(f"There is no completion that reward model v{version.number} has not scored.")
    run = lifecycle.create(kind=KIND.name, created_by=created_by, queue=Run.Queue.GPU)
    Rewarding.objects.create(run=run, project=version.project, version=version)
    return run


def _prepare(run: Run, folder: RunFolder) -> None:
    """A line a completion, in the order in which they came in: those of one prompt mostly beside each other."""
    rewarding = Rewarding.objects.select_related("version__artifact").get(run=run)
    texts = missing(rewarding.version).select_related("prompt").order_by("pk")
    with (folder.inputs / TEXTS).open("w", encoding="utf-8") as file:
        for number, completion in enumerate(texts.iterator(chunk_size=BATCH)):
            if number % BATCH == 0:
                preparing.check_stop()
            line = line_of(completion, completion.prompt)
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    Rewarding.objects.filter(run=run).update(stored=0)
    folder.write_config({"reward_model": str(artifacts.local_folder(rewarding.version.artifact))})


def line_of(completion: Completion, prompt: Prompt) -> dict[str, Any]:
    """What the child scores, and whose it is, for us and for who withdraws it."""
    return {
        "prompt_id": str(prompt.public_id),
        "completion_id": str(completion.public_id),
        "form": prompt.form,
        "prompt": prompt.messages,
        "completion": completion.text,
    }


def command(run: Run, folder: RunFolder) -> list[str]:
    """The child that scores the lines of a run."""
    return command_of("rewardmodel.bradley_terry", "score", folder)


def _follow(run: Run, folder: RunFolder) -> None:
    rewarding = Rewarding.objects.select_related("version").get(run=run)
    if (folder.output / SCORES).exists():
        for batch in read(folder.output / SCORES, rewarding.stored):
            _keep_batch(rewarding=rewarding, batch=batch)


@write
def _keep_batch(*, rewarding: Rewarding, batch: Batch) -> None:
    """The rewards, and that they are stored, both or neither."""
    keep(version=rewarding.version, values=batch.values)
    Rewarding.objects.filter(pk=rewarding.pk).update(stored=batch.end)


def _store(run: Run, folder: RunFolder) -> int:
    """How many completions the child has scored. What it wrote last is stored here where following it failed."""
    _follow(run, folder)
    return sum(len(batch.values) for batch in read(folder.output / SCORES))


def _finish(run: Run, scored: int) -> None:
    number = run.rewarding.version.number
    Run.objects.filter(pk=run.pk).update(result={"completions": scored, "reward_model": number})


KIND = Kind(
    name="score_completions",
    title="Score completions",
    prepare=_prepare,
    command=command,
    store=_store,
    finish=_finish,
    row="rewarding",
    again=lambda run, created_by: request_scoring(version=run.rewarding.version, created_by=created_by),
    follow=_follow,
)
