"""What the policy of a training answers to the watched prompts as it learns, the words marked that changed."""

import difflib
import re
from collections.abc import Iterable
from itertools import groupby, pairwise
from typing import NamedTuple

from annotation.models import Project, Prompt
from console.pages.findings import words_of
from runs.models import Run, RunAnswer

# Of a prompt's looks the page shows so many, thinned evenly; the first and the last are among them.
MOST_LOOKS = 12
# A comparison takes time by the square of the words: behind so many they are shown as they are.
MOST_WORDS = 2000
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


class Piece(NamedTuple):
    """Some of an answer; ``change`` is "new", "gone" (of the look before) or "" where it stayed."""

    text: str
    change: str


class Look(NamedTuple):
    """An answer after ``step`` steps; ``rise`` is that of the reward since the look before, where both have one."""

    step: int
    reward: float | None
    rise: float | None
    pieces: list[Piece]


class Watched(NamedTuple):
    """A prompt with its answers, from the first look to the last."""

    prompt: str
    looks: list[Look]


def watched(run: Run, project: Project) -> list[Watched]:
    """In the order in which the run answers them; empty where it watches none, or has not yet."""
    rows = list(RunAnswer.objects.filter(run=run).order_by("id"))
    steps = set(_thinned(sorted({row.step for row in rows})))
    order = {prompt: number for number, prompt in enumerate(dict.fromkeys(row.prompt_id for row in rows))}
    texts = {
        prompt.public_id: words_of(prompt.messages)
        for prompt in Prompt.objects.filter(project=project, public_id__in=order)
    }
    shown = sorted(
        (row for row in rows if row.step in steps), key=lambda row: (order[row.prompt_id], row.step)
    )
    return [
        Watched(texts.get(prompt, ""), _looks(answers))
        for prompt, answers in groupby(shown, key=lambda row: row.prompt_id)
    ]


def changes(before: str, after: str) -> list[Piece]:
    """``after`` in pieces, with those of ``before`` that are gone where they stood."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if max(len(old), len(new)) > MOST_WORDS:
        return [Piece(after, "")]
    pieces = list[Piece]()
    for what, old_from, old_to, new_from, new_to in difflib.SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if what == "equal":
            pieces.append(Piece("".join(new[new_from:new_to]), ""))
            continue
        if old_to > old_from:
            pieces.append(Piece("".join(old[old_from:old_to]), "gone"))
        if new_to > new_from:
            pieces.append(Piece("".join(new[new_from:new_to]), "new"))
    return pieces


def _looks(answers: Iterable[RunAnswer]) -> list[Look]:
    rows = list(answers)
    first = Look(rows[0].step, rows[0].reward, None, [Piece(rows[0].answer, "")])
    return [first, *(_look(before, row) for before, row in pairwise(rows))]


def _look(before: RunAnswer, row: RunAnswer) -> Look:
    rise = None if before.reward is None or row.reward is None else row.reward - before.reward
    return Look(row.step, row.reward, rise, changes(before.answer, row.answer))


def _thinned(steps: list[int]) -> list[int]:
    if len(steps) <= MOST_LOOKS:
        return steps
    return [steps[round(place * (len(steps) - 1) / (MOST_LOOKS - 1))] for place in range(MOST_LOOKS)]
