"""inputs/snapshot.jsonl as records: one judgement each, strictly read (docs/architecture.md)."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from runs.folder.lines import FORMS, SPLITS, Fields, read_lines

VERDICTS = ("ranked", "all_bad", "cannot_tell")

Pair = tuple[int, int]


class Completion(NamedTuple):
    """One of the texts that were ranked; ``source`` is who wrote it, where that is known."""

    id: str
    text: str
    source: str | None


class Record(NamedTuple):
    """A line of the snapshot. ``pairs`` holds (i, j), i preferred to j: indices into ``completions``.

    ``tiers`` are dense, 1 is best. ``order_shown[n]`` is the completion that was shown n-th, where that is known.
    ``by_doubt``: it was asked because a reward model was unsure of it. What is learnt from may be chosen so, what is
    measured on may not.
    """

    ranking: str
    task: str
    form: str
    messages: tuple[Mapping[str, str], ...]
    split: str
    annotator: str | None
    verdict: str
    completions: tuple[Completion, ...]
    tiers: tuple[int, ...]
    pairs: tuple[Pair, ...]
    ties: tuple[Pair, ...]
    strength: float | None
    order_shown: tuple[int, ...] | None
    simulated: bool
    by_doubt: bool

    @property
    def prompt_key(self) -> str:
        return prompt_key(self.form, self.messages)

    @property
    def texts(self) -> list[str]:
        return [completion.text for completion in self.completions]


def prompt_key(form: str, messages: Iterable[Mapping[str, str]]) -> str:
    """Equal for equal prompts."""
    return json.dumps([form, [[turn["role"], turn["content"]] for turn in messages]], ensure_ascii=False)


def read_snapshot(path: Path) -> list[Record]:
    """The records of a snapshot in its order. Raises BadInput naming the line, the field and what is wrong."""
    return list(read_lines(path, parse_record, holds="a snapshot of judgements"))


def parse_record(line: Fields) -> Record:
    """One line of the snapshot. Raises ValueError naming the field."""
    completions = tuple(_completion(value) for value in line.items("completions"))
    verdict = line.choice("verdict", VERDICTS)
    record = Record(
        ranking=line.id("ranking"),
        task=line.id("task"),
        form=line.choice("form", FORMS),
        messages=tuple(line.messages("prompt")),
        split=line.choice("split", SPLITS),
        annotator=line.text_or_none("annotator"),
        verdict=verdict,
        completions=completions,
        tiers=line.whole_numbers("tiers", len(completions) if verdict == "ranked" else 0),
        pairs=_pairs(line, "pairs", len(completions)),
        ties=_pairs(line, "ties", len(completions)),
        strength=line.number_or_none("strength"),
        order_shown=_order(line, len(completions)),
        simulated=line.flag("simulated"),
        by_doubt=line.flag("by_doubt"),
    )
    _check_pairs(record)
    return record


def _check_pairs(record: Record) -> None:
    """Pairs and ties must be those of the tiers, each once; a verdict without tiers has neither."""
    if record.verdict != "ranked" and (record.pairs or record.ties):
        raise ValueError(f"pairs: a ranking with verdict {record.verdict} gives no order")
    for i, j in record.pairs:
        if record.tiers[i] >= record.tiers[j]:
            raise ValueError(f"pairs: [{i}, {j}] is not in the order of the tiers")
    for i, j in record.ties:
        if record.tiers[i] != record.tiers[j]:
            raise ValueError(f"ties: [{i}, {j}] do not share a tier")
    unordered = [frozenset(pair) for pair in record.pairs + record.ties]
    places = len(record.tiers)
    if len(set(unordered)) != len(unordered) or len(unordered) != places * (places - 1) // 2:
        raise ValueError(f"pairs: with ties they must be all pairs of {places} completions, each once")


def _completion(value: Any) -> Completion:
    try:
        fields = Fields(value)
        return Completion(fields.id("id"), fields.text("text"), fields.text_or_none("source"))
    except ValueError as error:
        raise ValueError(f"completions: {error}") from error


def _pairs(line: Fields, name: str, count: int) -> tuple[Pair, ...]:
    return tuple(_pair(value, name, count) for value in line.items(name))


def _pair(value: Any, name: str, count: int) -> Pair:
    whole = isinstance(value, list) and len(value) == 2 and all(type(place) is int for place in value)
    if not whole or value[0] == value[1] or not all(0 <= place < count for place in value):
        raise ValueError(f"{name}: {value!r} must be two different places in completions")
    return (value[0], value[1])


def _order(line: Fields, count: int) -> tuple[int, ...] | None:
    value = line.any("order_shown", None)
    if value is None:
        return None
    whole = isinstance(value, list) and all(type(place) is int for place in value)
    if not whole or sorted(value) != list(range(count)):
        raise ValueError("order_shown: it must hold every place in completions once")
    return tuple(value)


def count_verdicts(records: Iterable[Record]) -> dict[str, dict[str, int]]:
    """Of each split how many rankings had which verdict."""
    counts = {split: dict.fromkeys(VERDICTS, 0) for split in SPLITS}
    for record in records:
        counts[record.split][record.verdict] += 1
    return counts
