"""What a policy answered, as tasks to be ranked."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from annotation.errors import BadRequest
from annotation.files.intake import completions, slots
from annotation.files.intake.copying import copy_rows, restored_ids, take_ids
from annotation.files.intake.desk import Desk, close_desk, open_desk
from annotation.files.intake.prompts import Stored
from annotation.files.jsonl.records import CompletionValue
from annotation.models import Completion, Project, Prompt, Source, Task, TaskCompletion
from annotation.preferences.splits import text_digest
from annotation.preferences.task_key import set_key
from annotation.preferences.tiers import LEAST_COMPLETIONS, MOST_COMPLETIONS
from runs.writing import write


class SampledPrompt(NamedTuple):
    """A prompt with the texts that a policy answered, all sampled with ``sampling``."""

    prompt: Prompt
    texts: list[str]
    sampling: dict[str, Any]


class SampledCompletions(list[Completion]):
    """The completions, and ``too_alike``: how many prompts got fewer than two different texts, and so no task."""

    too_alike: int = 0


@write
def add_sampled_completions(
    *, project: Project, source: Source, samples: Sequence[SampledPrompt], priority: int = 0
) -> SampledCompletions:
    """Store the completions, and one task a prompt with a slot for each of the project's annotators a task.

    Equal texts of a prompt are one completion, and a set of completions that is a task already makes no other.
    Characters that Postgres cannot hold are replaced, and what answers a prompt that was withdrawn meanwhile is
    dropped. Locks the project's desk, and waits for it. Raises BadRequest for more texts than a task can have.
    """
    desk = open_desk(project, patient=True)
    answers = [(sample.prompt, _completions_of(sample, source)) for sample in _kept(samples)]
    ids = completions.ensure(desk, (item for _, items in answers for item in items))
    many = [(prompt, items) for prompt, items in answers if len(items) >= LEAST_COMPLETIONS]
    _make_tasks(desk, source, many, ids, priority)
    close_desk(desk)
    stored = SampledCompletions(Completion.objects.filter(pk__in=ids.values()).order_by("id"))
    stored.too_alike = len(answers) - len(many)
    return stored


def _kept(samples: Sequence[SampledPrompt]) -> list[SampledPrompt]:
    """Read again at the project's desk, which a withdrawal takes too."""
    kept = Prompt.objects.kept().filter(pk__in=[sample.prompt.pk for sample in samples])
    ids = set(kept.values_list("pk", flat=True))
    return [sample for sample in samples if sample.prompt.pk in ids]


def _completions_of(sample: SampledPrompt, source: Source) -> list[completions.CompletionOfLine]:
    texts = list(dict.fromkeys(_storable(text) for text in sample.texts))
    if len(texts) > MOST_COMPLETIONS:
        raise BadRequest(f"A task ranks at most {MOST_COMPLETIONS} completions, not {len(texts)}.")
    prompt = Stored(sample.prompt.pk, is_new=False)
    return [
        completions.CompletionOfLine.of(
            prompt, source.pk, CompletionValue(text, text_digest(text), source.name, sample.sampling)
        )
        for text in texts
    ]


def _storable(text: str) -> str:
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()


def _make_tasks(
    desk: Desk,
    source: Source,
    answers: Sequence[tuple[Prompt, list[completions.CompletionOfLine]]],
    ids: dict[completions.Key, int],
    priority: int,
) -> None:
    by_key = {
        set_key(prompt.digest, [item.value.member for item in items]): (prompt, items)
        for prompt, items in answers
    }
    known = Task.objects.filter(project=desk.project, key__in=by_key).values_list("key", flat=True)
    missing = [key for key in by_key if key not in set(known)]
    task_ids = dict(zip(missing, take_ids(Task, len(missing)), strict=True))
    public_ids = restored_ids(Task, [None] * len(missing))
    copy_rows(
        Task,
        ("id", "public_id", "project", "prompt", "key", "priority", "external_id", "metadata", "created_at"),
        (
            (task_ids[key], public_id, desk.project.pk, by_key[key][0].pk, key, priority, "", "{}", desk.now)
            for key, public_id in zip(missing, public_ids, strict=True)
        ),
    )
    entries = [
        (task_ids[key], ids[item.key], position)
        for key in missing
        for position, item in enumerate(by_key[key][1])
    ]
    copy_rows(
        TaskCompletion,
        ("id", "task", "completion", "position"),
        ((pk, *entry) for pk, entry in zip(take_ids(TaskCompletion, len(entries)), entries, strict=True)),
    )
    slots.open_slots(desk, [slots.Opening(task_ids[key], True, priority, None) for key in missing])
