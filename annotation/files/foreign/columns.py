"""What columns are called by those who publish such data, and which of two answers a word names."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from annotation.files.jsonl.errors import BadField
from annotation.files.jsonl.provenance import SPLITS

PROMPTS = (
    "prompt",
    "instruction",
    "question",
    "query",
    "input",
    "context",
    "history",
    "post",
    "text",
    "chat",
)
# One of several answers: its number or letter tells which.
ANSWER = re.compile(
    r"^(?:completion|response|answer|output|reply|generation|summary|text|human_ref|conversation|model_output)[ _-]?"
    r"(\d|[a-h])$",
    re.IGNORECASE,
)
WINNERS = ("winner", "preference", "preferred", "choice", "better", "selected", "label", "chosen_answer")
TIES = {"tie", "ties", "equal", "same", "both", "neutral", "draw"}
BOTH_BAD = {"tie (bothbad)", "both bad", "bothbad", "neither", "none"}
Values = dict[str, Any]


class SaysNothing(Exception):
    """A record in which nobody has said anything yet; ``args[0]`` tells why, for the count of those left out."""


def prompt_column(record: Mapping[str, Any], besides: Collection[str] = ()) -> str | None:
    """The first column that a prompt may stand in."""
    return next((name for name in PROMPTS if name in record and name not in besides), None)


def column_and_prompt(record: Mapping[str, Any], besides: Collection[str] = ()) -> tuple[str, Any]:
    """The prompt's column, and the prompt, a text or messages. Raises BadField."""
    name = prompt_column(record, besides)
    if name is None:
        raise BadField(
            "prompt",
            f"no column is one of {', '.join(PROMPTS)}: say which it is, as prompt=NAME",
        )
    return name, record[name]


def answer_columns(record: Mapping[str, Any]) -> list[str]:
    """Columns of answers, in the order of their numbers or letters."""
    named = {name: match[1].lower() for name in record if (match := ANSWER.match(name))}
    return sorted(named, key=lambda name: named[name])


def two_answers(record: Mapping[str, Any]) -> list[str]:
    """The columns of two answers that are compared; none where there are not two."""
    columns = ["left", "right"] if "left" in record and "right" in record else answer_columns(record)
    return columns if len(columns) == 2 else []


def number_of(field: str, value: Any) -> float:
    """A number, also of a table's text. Raises BadField."""
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise BadField(field, f"is {str(value)[:40]!r}, which is no number") from error


def winner_of(value: Any, columns: list[str], field: str) -> int | None:
    """Which of two columns ``value`` names, by name, number, letter or side; None for a tie. Raises BadField."""
    word = str(value).strip().lower().removesuffix(".0")  # what pandas makes of a number beside an empty cell
    if word in TIES:
        return None
    for index, column in enumerate(columns):
        match = ANSWER.match(column)
        names = {column.lower(), ("left", "right")[index], *({match[1].lower()} if match else ())}
        if word in names or word.rpartition("_")[2] in names:
            return index
    raise BadField(
        field, f"is {str(value)[:40]!r}, which names neither {columns[0]} nor {columns[1]}, and no tie"
    )


def line_of(prompt: Any, completions: list[Values], record: Mapping[str, Any], *taken: str) -> Values:
    """A line of rankings or completions, with what else its record has."""
    return {"prompt": prompt, "completions": completions, **kept(record, *taken, "completions", "prompt")}


def kept(record: Mapping[str, Any], *taken: str) -> Values:
    """Fields that mean the same here and there, and the rest as metadata."""
    same = {
        name: record[name] for name in ("id", "split", "annotator") if name in record and name not in taken
    }
    if same.get("split") not in SPLITS:
        same.pop("split", None)
    metadata = {name: value for name, value in record.items() if name not in same and name not in taken}
    return {**same, **({"metadata": metadata} if metadata else {})}


def completion_of(text: Any, *, rank: int | None = None, source: Any = None) -> Values:
    """A completion of a line."""
    return {
        "text": text,
        **({} if rank is None else {"rank": rank}),
        **({"source": str(source)} if source else {}),
    }


def of_two(
    first: Any, second: Any, winner: int | None, *, sources: tuple[Any, Any] = (None, None)
) -> list[Values]:
    """Two completions with their ranks."""
    ranks = (1, 1) if winner is None else ((1, 2) if winner == 0 else (2, 1))
    return [
        completion_of(text, rank=rank, source=source)
        for text, rank, source in zip((first, second), ranks, sources, strict=True)
    ]


def by_score(texts: list[Any], scores: list[float], sources: list[Any] | None = None) -> list[Values]:
    """Completions ranked by their scores, the highest first; equal scores are ties."""
    order = sorted(set(scores), reverse=True)
    return [
        completion_of(text, rank=order.index(score) + 1, source=source)
        for text, score, source in zip(texts, scores, sources or [None] * len(texts), strict=True)
    ]
