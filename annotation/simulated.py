"""Simulated annotators, for trials and load: they take tasks from the queue and submit like people, always marked."""

import random
import re
from collections.abc import Callable, Sequence
from typing import Any

from annotation.collecting import queue, ranking
from annotation.errors import BadRequest, ClaimsPaused
from annotation.models import Annotator, Project, Prompt, Task, TaskCompletion

# How good each completion of a prompt is in somebody's eyes: the higher, the better.
Judge = Callable[[Prompt, Sequence[str]], Sequence[float]]
Ranker = Callable[[Prompt, Sequence[str]], list[int]]
_SLOT = re.compile(r"[\w ]+\[([^\[\]]+)\]")


def simulate(
    *,
    project: Project,
    rankings: int,
    preference: str,
    judge: Judge | None = None,
    annotators: int = 3,
    keep: int = 0,
    seed: int | None = None,
) -> dict[str, Any]:
    """Submit up to ``rankings`` rankings by ``annotators`` simulated annotators in turn, until no task is left.

    Whoever is paused is left out and named; ``asked`` beside ``rankings`` tells that there were fewer tasks. They end
    where ``keep`` tasks with a free place are left, for people (``kept`` says so).
    ``preference`` is ``length`` (longer is better), ``noise:P`` (the same, but a share P of rankings is in random
    order) or ``attributes`` (share of the prompt's ``name[value]`` slots whose value stands in the completion).
    With a ``judge`` its scores decide, and ``preference`` names it. ``seed`` makes the random orders repeatable.
    Raises BadRequest.
    """
    if rankings < 1 or annotators < 1:
        raise BadRequest("Ask for at least one ranking by at least one annotator.")
    rng = random.Random(seed)  # noqa: S311 (simulation)
    rank = _ranker(preference, rng) if judge is None else _ranked_by(judge)
    waiting = [_annotator(project, preference, number) for number in range(1, annotators + 1)]
    submitted, paused, spare = 0, [], 0
    while waiting and submitted < rankings:
        if keep and spare < 1 and (spare := _spare_tasks(project, keep)) < 1:
            break
        spare -= 1  # a ranking takes one place, and so one task at most
        annotator = waiting.pop(0)
        try:
            if _rank_next(annotator, rank, rng):
                waiting.append(annotator)
                submitted += 1
        except ClaimsPaused:  # the others go on
            paused.append(annotator.pseudonym)
    return {
        "project": project.slug,
        "asked": rankings,
        "rankings": submitted,
        "annotators": annotators,
        "paused": paused,
        "kept": keep,
        "simulated": True,
    }


def _spare_tasks(project: Project, keep: int) -> int:
    """How many more tasks have a free place than are to be kept."""
    return Task.objects.ranked().with_free_place().filter(project=project).count() - keep


def _annotator(project: Project, preference: str, number: int) -> Annotator:
    name = f"simulated-{preference}-{number}"
    annotator, _ = Annotator.objects.get_or_create(
        project=project, pseudonym=name, defaults={"simulated": True}
    )
    if not annotator.simulated:
        raise BadRequest(f"{name!r} is a person's pseudonym in {project.slug}.")
    return annotator


def _rank_next(annotator: Annotator, rank: Ranker, rng: random.Random) -> bool:
    """Take the next task and submit an order. False where nothing is left for this annotator."""
    assignment = queue.claim(annotator=annotator, shuffle=rng)
    if assignment is None:
        return False
    texts = list(
        TaskCompletion.objects.filter(task=assignment.task_id)
        .order_by("position")
        .values_list("completion__text", flat=True)
    )
    ranking.submit(
        assignment=assignment,
        annotator=annotator,
        verdict=ranking.Verdict.RANKED,
        ranks=rank(assignment.task.prompt, texts),
    )
    return True


def _ranked_by(judge: Judge) -> Ranker:
    return lambda prompt, texts: ranks(judge(prompt, texts))


def _ranker(preference: str, rng: random.Random) -> Ranker:
    """Ranks of the completions of a prompt. Raises BadRequest for an unknown preference."""
    if preference == "length":
        return _ranked_by(lambda prompt, texts: [length(text) for text in texts])
    if preference == "attributes":
        return _ranked_by(lambda prompt, texts: [attributes(_whole(prompt), text) for text in texts])
    name, _, share = preference.partition(":")
    noise = _share(share) if name == "noise" else None
    if noise is None:
        raise BadRequest(
            f"There is no preference {preference!r}: it is length, attributes, noise:P with P from 0 to 1, "
            "or reward:N with the number of a reward model version."
        )

    def noisy(prompt: Prompt, texts: Sequence[str]) -> list[int]:
        if rng.random() < noise:
            return rng.sample(range(1, len(texts) + 1), len(texts))
        return ranks([length(text) for text in texts])

    return noisy


def _share(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None


def _whole(prompt: Prompt) -> str:
    return "\n".join(message["content"] for message in prompt.messages)


def length(text: str) -> float:
    """Characters of the completion."""
    return float(len(text))


def attributes(prompt: str, text: str) -> float:
    """The share of the prompt's ``name[value]`` slots whose value stands in the completion, case aside, 0 to 1."""
    values = [value.strip().lower() for value in _SLOT.findall(prompt)]
    if not values:
        return 0.0
    return sum(value in text.lower() for value in values) / len(values)


def ranks(scores: Sequence[float]) -> list[int]:
    """1 for the highest score; equal scores share a rank."""
    order = sorted(set(scores), reverse=True)
    return [order.index(score) + 1 for score in scores]
