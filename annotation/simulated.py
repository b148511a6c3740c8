"""Simulated annotators, for trials and load: they take tasks from the queue and submit like people, always marked.

What a rule likes decides everything that they say: an order, how much better one of two is, a score on each axis, and
which of a prompt's completions they would have written themselves.
"""

import math
import random
import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any

from annotation.collecting import demonstrating, queue, ranking, rating
from annotation.errors import BadRequest, BadText, ClaimsPaused
from annotation.models import Annotator, Assignment, Completion, Project, Prompt, Task

# How good each completion of a prompt is in somebody's eyes, in log-odds: the higher, the better, and of two that
# differ by g the better one is exp(g) times as good.
Judge = Callable[[Prompt, Sequence[str]], Sequence[float]]
Kind = Task.Kind
# What a judgement of each kind is called in the answer.
NAMES_OF_JUDGEMENTS = {Kind.RANK: "rankings", Kind.RATE: "ratings", Kind.DEMONSTRATE: "demonstrations"}
# So many times as good is better, and much better; what is less is slightly better.
BETTER, MUCH_BETTER = 1.5, 3.0
_SLOT = re.compile(r"[\w ]+\[([^\[\]]+)\]")
_NOTHING_TO_SAY = "A simulated annotator found no completion of this prompt that it could write."


def simulate(
    *,
    project: Project,
    judgements: int,
    preference: str,
    judge: Judge | None = None,
    annotators: int = 3,
    keep: int = 0,
    seed: int | None = None,
) -> dict[str, Any]:
    """Submit up to ``judgements`` by ``annotators`` simulated annotators in turn, until no task is left.

    Tasks of every kind, as the queue gives them; how many of each were made is told, and ``asked`` beside them tells
    that there were fewer tasks. Whoever is paused is left out and named. Of each kind ``keep`` tasks with a free place
    are left for people (``kept`` says so). ``wordless`` tasks asked for an answer to a prompt without a completion
    that could be one: they are skipped, and are free for people.
    ``preference`` is ``length`` (longer is better), ``noise:P`` (the same, but a share P of judgements is by chance) or
    ``attributes`` (how many of the prompt's ``name[value]`` slots have their value in the completion).
    With a ``judge`` its scores decide, and ``preference`` names it. ``seed`` makes what is by chance repeatable.
    Raises BadRequest.
    """
    if judgements < 1 or annotators < 1:
        raise BadRequest("Ask for at least one judgement by at least one annotator.")
    rng = random.Random(seed)  # noqa: S311 (simulation)
    judge = judge or _judge(preference, rng)
    waiting = [_annotator(project, preference, number) for number in range(1, annotators + 1)]
    judged: Counter[str] = Counter()
    wordless: set[int] = set()
    paused, kinds, spare = [], Kind.values, 0
    while waiting and judged.total() < judgements:
        if keep and spare < 1:
            spares = _spare_tasks(project, keep)
            if not spares:
                break
            kinds, spare = list(spares), min(spares.values())
        spare -= 1  # a judgement takes one place, and so one task of one kind at most
        annotator = waiting.pop(0)
        try:
            assignment = queue.claim(annotator=annotator, shuffle=rng, kinds=kinds)
        except ClaimsPaused:  # the others go on
            paused.append(annotator.pseudonym)
            continue
        if assignment is None:
            continue
        waiting.append(annotator)
        if _judged(assignment, annotator, judge):
            judged[NAMES_OF_JUDGEMENTS[Kind(assignment.task.kind)]] += 1
        else:
            wordless.add(assignment.task_id)
    return {
        "project": project.slug,
        "asked": judgements,
        **{name: judged[name] for name in NAMES_OF_JUDGEMENTS.values()},
        "wordless": len(wordless),
        "annotators": annotators,
        "paused": paused,
        "kept": keep,
        "simulated": True,
    }


def _spare_tasks(project: Project, keep: int) -> dict[str, int]:
    """By kind, how many more tasks have a free place than are to be kept; kinds without any are not there."""
    free = Task.objects.collected().with_free_place().filter(project=project)
    counted = {kind: free.filter(kind=kind).count() - keep for kind in Kind.values}
    return {kind: spare for kind, spare in counted.items() if spare > 0}


def _annotator(project: Project, preference: str, number: int) -> Annotator:
    name = f"simulated-{preference}-{number}"
    annotator, _ = Annotator.objects.get_or_create(
        project=project, pseudonym=name, defaults={"simulated": True}
    )
    if not annotator.simulated:
        raise BadRequest(f"{name!r} is a person's pseudonym in {project.slug}.")
    return annotator


def _judged(assignment: Assignment, annotator: Annotator, judge: Judge) -> bool:
    """Submit what the judge thinks of it. False where there was nothing to write, and it is skipped."""
    task = assignment.task
    if task.kind == Kind.DEMONSTRATE:
        return _written(assignment, annotator, judge)
    if task.kind == Kind.RATE:
        rating.submit(
            assignment=assignment,
            annotator=annotator,
            scores=_scores(assignment, judge(task.prompt, task.texts)),
        )
        return True
    liked = judge(task.prompt, task.texts)
    asks_strength = len(liked) == 2 and assignment.project.ask_strength
    ranking.submit(
        assignment=assignment,
        annotator=annotator,
        verdict=ranking.Verdict.RANKED,
        ranks=ranks(liked),
        strength=strength(liked) if asks_strength else None,
    )
    return True


def _scores(assignment: Assignment, liked: Sequence[float]) -> list[dict[str, int | None]]:
    """On every axis the best of them gets the most, the worst the least, and the others stand between by place."""
    axes = rating.axes_of(assignment.project)
    return [
        {axis.name: axis.least + round(share * (axis.most - axis.least)) for axis in axes}
        for share in shares(liked)
    ]


def _written(assignment: Assignment, annotator: Annotator, judge: Judge) -> bool:
    """Write the completion of the prompt that the judge likes best, of those that may be an answer here."""
    prompt = assignment.task.prompt
    texts = list(Completion.objects.filter(prompt=prompt).order_by("pk").values_list("text", flat=True))
    best_first = (
        sorted(zip(judge(prompt, texts), texts, strict=True), key=lambda one: -one[0]) if texts else []
    )
    for _, text in best_first:
        try:
            demonstrating.submit(assignment=assignment, annotator=annotator, text=text)
        except BadText:  # empty, or shorter than the project asks for
            continue
        return True
    queue.skip(assignment=assignment, annotator=annotator, reason=_NOTHING_TO_SAY)
    return False


def _judge(preference: str, rng: random.Random) -> Judge:
    """Raises BadRequest for an unknown preference."""
    if preference == "length":
        return lambda _, texts: [length(text) for text in texts]
    if preference == "attributes":
        return lambda prompt, texts: [attributes(_whole(prompt), text) for text in texts]
    name, _, share = preference.partition(":")
    noise = _share(share) if name == "noise" else None
    if noise is None:
        raise BadRequest(
            f"There is no preference {preference!r}: it is length, attributes, noise:P with P from 0 to 1, "
            "or reward:N with the number of a reward model version."
        )

    def noisy(_: Prompt, texts: Sequence[str]) -> list[float]:
        by_chance = rng.random() < noise
        return [rng.random() if by_chance else length(text) for text in texts]

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
    """Of the completion, as a logarithm: twice as long is twice as good."""
    return math.log1p(len(text))


def attributes(prompt: str, text: str) -> float:
    """How many of the prompt's ``name[value]`` slots have a value that stands in the completion, case aside."""
    values = [value.strip().lower() for value in _SLOT.findall(prompt)]
    return float(sum(value in text.lower() for value in values))


def ranks(liked: Sequence[float]) -> list[int]:
    """1 for the highest score; equal scores share a rank."""
    order = sorted(set(liked), reverse=True)
    return [order.index(score) + 1 for score in liked]


def strength(liked: Collection[float]) -> int | None:
    """How much better the better of two is, 1 to 3; None of a tie."""
    gap = max(liked) - min(liked)
    if not gap:
        return None
    return 1 + (gap >= math.log(BETTER)) + (gap >= math.log(MUCH_BETTER))


def shares(liked: Sequence[float]) -> list[float]:
    """Of each the share of the others that are liked less, 0 to 1: an equal one is half, and so is being alone."""
    others = len(liked) - 1
    if not others:
        return [0.5]
    return [(sum(b < a for b in liked) + (sum(b == a for b in liked) - 1) / 2) / others for a in liked]
