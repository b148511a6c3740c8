"""What runs train on, as files (docs/architecture.md): judgements frozen as a snapshot, demonstrations, prompts."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from annotation import locks
from annotation.errors import NothingToSnapshot
from annotation.files.export.described import DescribedTask, describe
from annotation.files.export.rankings import COLUMNS, pseudonym
from annotation.files.export.scope import chunks, named_source
from annotation.models import Demonstration, Project, Prompt, Ranking, Snapshot, Task, Withdrawal
from annotation.models.judgement import RankingQuerySet
from annotation.preferences.tiers import pairs
from runs import artifacts, preparing
from runs.folder.files import file_digest
from runs.models import Artifact
from runs.writing import write

FILE_NAME = "snapshot.jsonl"


class Counts(NamedTuple):
    """What a snapshot's file holds; ``comparisons`` with ties."""

    rankings: int
    comparisons: int
    simulated: int
    last_ranking_id: int


def take(*, project: Project) -> Snapshot:
    """The project's current rankings as they are now; equal content gives the same snapshot.

    The file is written and stored before the transaction of the row, so that nobody waits for it. Where something was
    withdrawn meanwhile, it may hold that: it is removed, and written again. Raises NothingToSnapshot where no
    comparison follows from any ranking, StoredUnderLock inside a transaction, Stopped where its worker is to stop.
    """
    while True:
        withdrawals = _withdrawals(project)
        stored = _store(project)
        snapshot = _name(project, stored, withdrawals)
        if snapshot is not None:
            return snapshot
        artifacts.discard(digest=stored.artifact.digest)


class Stored(NamedTuple):
    """A snapshot's file in the storage, which no snapshot names yet."""

    artifact: Artifact
    digest: str
    counts: Counts


def _store(project: Project) -> Stored:
    with tempfile.TemporaryDirectory(prefix="concord-snapshot-") as name:
        path = Path(name) / FILE_NAME
        counts = _write(project, path)
        if not counts.comparisons:
            raise NothingToSnapshot(
                f"{project.slug} has no current rankings to train on: rank some tasks or import rankings first."
            )
        artifact = artifacts.store(folder=Path(name), kind="snapshot", run=None)
        return Stored(artifact, file_digest(path), counts)


@write
def _name(project: Project, stored: Stored, withdrawals: int) -> Snapshot | None:
    """The snapshot's row; None where something was withdrawn since there were ``withdrawals``.

    A withdrawal either waits here for the commit, and then finds the row, or has committed and is counted.
    """
    locks.snapshots(project)
    if _withdrawals(project) != withdrawals:
        return None
    snapshot, _ = Snapshot.objects.get_or_create(
        project=project,
        digest=stored.digest,
        defaults={"artifact": stored.artifact, **stored.counts._asdict()},
    )
    return snapshot


def _withdrawals(project: Project) -> int:
    return Withdrawal.objects.filter(project=project).count()


def judged(project: Project) -> RankingQuerySet:
    """What annotators say: current rankings of what is collected, by people; simulated ones too where it is a demo."""
    rankings = Ranking.objects.current().collected().filter(project=project)
    return rankings if project.is_demo else rankings.by_people()


def trainable(project: Project) -> RankingQuerySet:
    """The rankings that runs may train on: what annotators say, or what a researcher decided in its place where the
    project says so."""
    rankings = judged(project)
    if not project.adjudicated_wins:
        return rankings
    decisions = Ranking.objects.current().kept()
    decisions = decisions.filter(project=project, task__purpose=Task.Purpose.ADJUDICATION)
    decided = decisions.filter(task__repeats=OuterRef("task"))
    kept = rankings.filter(~Exists(decided)).values("pk")
    return Ranking.objects.filter(Q(pk__in=kept) | Q(pk__in=decisions.values("pk")))


def new_since(project: Project, last_ranking_id: int, most: int) -> int:
    """How many rankings that runs may train on came after one, counted to ``most``."""
    fresh = trainable(project).filter(pk__gt=last_ranking_id)
    return len(fresh.order_by().values_list("pk", flat=True)[:most])


def _write(project: Project, path: Path) -> Counts:
    """Write the file through a server-side cursor, which sees one moment of the table."""
    rankings = comparisons = simulated = last = 0
    with transaction.atomic(), path.open("w", encoding="utf-8") as file:
        for pk, record in _records(trainable(project).order_by("id")):
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
            rankings += 1
            comparisons += len(record["pairs"]) + len(record["ties"])
            simulated += record["simulated"]
            last = pk
    return Counts(rankings, comparisons, simulated, last)


def _stoppable(rows: "QuerySet[Any]", *columns: str) -> Iterator[list[dict[str, Any]]]:
    """A worker writes these files itself, and looks for a stop before each batch."""
    for chunk in chunks(rows, *columns):
        preparing.check_stop()
        yield chunk


def _records(rankings: RankingQuerySet) -> Iterator[tuple[int, dict[str, Any]]]:
    for chunk in _stoppable(rankings, "id", *COLUMNS):
        tasks = describe(row["task_id"] for row in chunk)
        doubted = set(Task.objects.doubted().filter(pk__in=tasks).values_list("pk", flat=True))
        for row in chunk:
            task_id = row["task_id"]
            yield row["id"], _record(row, tasks[task_id], by_doubt=task_id in doubted)


def _record(row: Mapping[str, Any], task: DescribedTask, *, by_doubt: bool) -> dict[str, Any]:
    strict, ties = pairs(row["tiers"])
    return {
        "ranking": str(row["public_id"]),
        "task": task.public_id,
        "form": task.form,
        "prompt": task.messages,
        "split": task.split,
        "annotator": pseudonym(row),
        "verdict": row["verdict"],
        "completions": [
            {"id": item.public_id, "text": item.text, "source": named_source(item.source)}
            for item in task.completions
        ],
        "tiers": row["tiers"],
        "pairs": strict,
        "ties": ties,
        "strength": row["strength"],
        "order_shown": row["order_shown"],
        "simulated": row["annotator__simulated"],
        "by_doubt": by_doubt,
    }


def write_demonstrations(*, project: Project, path: Path) -> int:
    """Write inputs/demonstrations.jsonl, the accepted ones in the order of their making; returns how many.

    Those of simulated annotators are texts that are there already, chosen by a rule: no policy learns from them.
    """
    rows = Demonstration.objects.accepted().by_people().filter(project=project).order_by("id")
    columns = ("public_id", "text", "prompt__form", "prompt__messages", "prompt__split")
    count = 0
    with transaction.atomic(), path.open("w", encoding="utf-8") as file:
        for chunk in _stoppable(rows, *columns):
            for row in chunk:
                value = {
                    "id": str(row["public_id"]),
                    "form": row["prompt__form"],
                    "prompt": row["prompt__messages"],
                    "completion": row["text"],
                    "split": row["prompt__split"],
                }
                file.write(json.dumps(value, ensure_ascii=False) + "\n")
                count += 1
    return count


def write_prompts(*, prompts: QuerySet[Prompt], path: Path) -> int:
    """Write inputs/prompts.jsonl in the query's own order; returns how many."""
    count = 0
    with transaction.atomic(), path.open("w", encoding="utf-8") as file:
        for chunk in _stoppable(prompts, "public_id", "form", "messages", "split"):
            for row in chunk:
                value = {
                    "id": str(row["public_id"]),
                    "form": row["form"],
                    "prompt": row["messages"],
                    "split": row["split"],
                }
                file.write(json.dumps(value, ensure_ascii=False) + "\n")
                count += 1
    return count
