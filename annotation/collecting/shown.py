"""What an annotator sees of a task: lettered texts in their own order, and the way back to places in the task.

Nothing here carries a source, nor any id of a completion: a letter is all that goes to the browser.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.utils.safestring import SafeString

from annotation.models import Assignment, Prompt, Ranking, Rating
from annotation.texts.markdown import render, written

# One a completion, as shown. F flags, G opens the guidelines, and I looks like 1.
LETTERS = "ABCDEHJKL"


class Turn(NamedTuple):
    """One message of the prompt."""

    role: str
    html: SafeString
    # The same as it was written; "" where that is what is shown.
    written: str


class Card(NamedTuple):
    """One completion as shown."""

    letter: str
    html: SafeString
    # The same as it was written; "" where that is what is shown.
    written: str
    # Nothing to be seen in it; the letter before it that has the same text, or "".
    is_empty: bool = False
    same_as: str = ""


def turns(prompt: Prompt) -> list[Turn]:
    """The prompt's messages, in their order."""
    return [
        Turn(message["role"], render(message["content"]), written(message["content"]))
        for message in prompt.messages
    ]


def cards(assignment: Assignment) -> list[Card]:
    """The task's completions in the order of this assignment."""
    texts = assignment.task.texts
    shown = [texts[place] for place in assignment.order_shown]
    return [
        Card(
            letter,
            html=render(text),
            written=written(text),
            is_empty=not text.strip(),
            same_as=LETTERS[shown.index(text)] if text in shown[:i] else "",
        )
        for i, (letter, text) in enumerate(zip(LETTERS, shown, strict=False))
    ]


def letters(assignment: Assignment) -> str:
    """The letters of an assignment's cards."""
    return LETTERS[: len(assignment.order_shown)]


def as_draft(ranking: Ranking) -> dict[str, Any]:
    """A stored ranking as a draft, by the letters under which it was made."""
    shown = zip(LETTERS, ranking.order_shown or (), strict=False)
    return {
        "ranks": {letter: ranking.tiers[place] for letter, place in shown if ranking.tiers},
        "verdict": ranking.verdict,
        "reason": ranking.metadata.get("reason", ""),
        "confidence": ranking.confidence,
        "rationale": ranking.rationale,
        "strength": ranking.strength,
        "active_seconds": ranking.active_seconds,
    }


def scores_as_draft(assignment: Assignment) -> dict[str, Any]:
    """The scores that stand in an answer, as a draft by the letters under which they were given."""
    letter_at = {place: letter for letter, place in zip(LETTERS, assignment.order_shown, strict=False)}
    scores = Rating.objects.current().filter(
        assignment=assignment, completion__entries__task=assignment.task_id
    )
    return {
        f"score_{letter_at[place]}_{axis}": "none" if score is None else f"{score:g}"
        for place, axis, score in scores.values_list("completion__entries__position", "axis", "score")
    }


def ranks_by_place(order_shown: Sequence[int], rank_of: Mapping[str, int]) -> list[int]:
    """Ranks by letter as ranks by place in the task: order_shown [2, 0, 1] with A1 B2 C3 gives [2, 3, 1]."""
    ranks = [0] * len(order_shown)
    for letter, place in zip(LETTERS, order_shown, strict=False):
        ranks[place] = rank_of[letter]
    return ranks
