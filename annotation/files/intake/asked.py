"""Tasks of the other kinds, made of what the project holds: completions to be rated, prompts to be answered."""

from collections.abc import Sequence
from hashlib import sha256

from django.db.models import Exists, OuterRef, QuerySet

from annotation.errors import BadRequest
from annotation.files.intake import slots
from annotation.files.intake.copying import copy_rows, restored_ids, take_ids
from annotation.files.intake.desk import Desk, close_desk, open_desk
from annotation.models import Completion, Project, Prompt, Task, TaskCompletion
from annotation.preferences.tiers import MOST_COMPLETIONS
from runs.writing import write

Kind = Task.Kind
DEFAULT_PROMPTS = 50


@write
def create_tasks(
    *,
    project: Project,
    kind: str,
    prompts: int = DEFAULT_PROMPTS,
    completions: int | None = None,
    priority: int = 0,
) -> int:
    """Make tasks to rate or to demonstrate for up to ``prompts`` prompts that have none of the kind; returns how many.

    The oldest prompts come first. A task to rate holds up to ``completions`` of its prompt's, the newest first
    (None: as many as the project ranks); a prompt without completions has nothing to rate. Each gets a slot for each
    of the project's annotators a task. Locks the project's desk. Raises BadRequest.
    """
    if kind not in {Kind.RATE, Kind.DEMONSTRATE}:
        raise BadRequest(
            "Tasks to rate or to demonstrate are made of prompts; tasks to rank come with completions."
        )
    if prompts < 1:
        raise BadRequest("Ask for at least one prompt.")
    desk = open_desk(project)
    shown = project.completions_per_task if completions is None else completions
    if not 1 <= shown <= MOST_COMPLETIONS:
        raise BadRequest(f"A task to rate shows 1 to {MOST_COMPLETIONS} completions.")
    without_task = list(_without_task(desk, kind)[:prompts])
    entries = [_newest(prompt, shown) if kind == Kind.RATE else [] for prompt in without_task]
    _make(desk, kind, without_task, entries, priority)
    close_desk(desk)
    return len(without_task)


def _without_task(desk: Desk, kind: str) -> QuerySet[Prompt]:
    tasks = Task.objects.filter(prompt=OuterRef("pk"), kind=kind)
    free = Prompt.objects.kept().filter(~Exists(tasks), project=desk.project).order_by("id")
    if kind == Kind.DEMONSTRATE:
        return free.filter(sampled=True)
    return free.filter(Exists(Completion.objects.filter(prompt=OuterRef("pk"))))


def _newest(prompt: Prompt, most: int) -> list[int]:
    """Of equal texts by two sources the newer one is rated."""
    distinct: dict[str, int] = {}
    for pk, digest in prompt.completions.order_by("-pk").values_list("pk", "digest"):
        distinct.setdefault(digest, pk)
    return sorted(list(distinct.values())[:most])


def _make(
    desk: Desk, kind: str, prompts: Sequence[Prompt], entries: Sequence[Sequence[int]], priority: int
) -> None:
    ids = take_ids(Task, len(prompts))
    copy_rows(
        Task,
        (
            "id",
            "public_id",
            "project",
            "prompt",
            "kind",
            "key",
            "priority",
            "external_id",
            "metadata",
            "created_at",
        ),
        (
            (
                pk,
                public_id,
                desk.project.pk,
                prompt.pk,
                kind,
                _key(kind, prompt),
                priority,
                "",
                "{}",
                desk.now,
            )
            for pk, public_id, prompt in zip(ids, restored_ids(Task, [None] * len(ids)), prompts, strict=True)
        ),
    )
    rows = [
        (pk, one, place)
        for pk, completion_ids in zip(ids, entries, strict=True)
        for place, one in enumerate(completion_ids)
    ]
    copy_rows(
        TaskCompletion,
        ("id", "task", "completion", "position"),
        ((pk, *row) for pk, row in zip(take_ids(TaskCompletion, len(rows)), rows, strict=True)),
    )
    slots.open_slots(desk, [slots.Opening(pk, True, priority, None) for pk in ids])


def _key(kind: str, prompt: Prompt) -> str:
    """Of its own kind: an import's task of the same prompt and completions is another."""
    return sha256(f"{kind}:{prompt.digest}".encode()).hexdigest()
