"""Which shape a file has, told by its first records, and what follows from that."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from annotation.files.foreign import ours, preferences, tools
from annotation.files.foreign.columns import SaysNothing, Values
from annotation.files.foreign.containers import Container, Record, open_container
from annotation.files.jsonl.errors import BadField, BrokenFile
from annotation.files.jsonl.fields import Limits
from annotation.files.jsonl.kinds import KINDS, parse
from annotation.files.jsonl.lines import RawLine

# The shape is that of the first records; so many are looked at.
LOOKED_AT = 50
EXAMPLES, MOST_NAMED, WATCHED = 3, 20, 1000
Convert = Callable[[Mapping[str, Any]], Iterator[Values]]


class Shape(NamedTuple):
    """``matches`` looks at the columns of one record, ``convert`` makes lines of ``kind`` of it."""

    title: str
    kind: str
    matches: Callable[[Mapping[str, Any]], bool]
    convert: Convert


def _own_shape(kind: str) -> Shape:
    return Shape(f"lines of {kind}", kind, lambda record: ours.own_kind(record) == kind, ours.as_they_are)


# The first that matches is it, so the more particular ones come before the general.
SHAPES = (
    *(_own_shape(kind) for kind in KINDS if kind != "prompts"),
    Shape("Label Studio's export", "rankings", tools.is_label_studio, tools.label_studio),
    Shape("Argilla's export", "rankings", tools.is_argilla, tools.argilla),
    Shape("answers with an overall score (UltraFeedback)", "rankings", preferences.is_scored, preferences.scored),
    Shape("two conversations and a winner (Chatbot Arena)", "rankings", preferences.is_arena, preferences.arena),
    Shape("summaries compared (Stiennon et al. 2020)", "rankings", preferences.is_summaries, preferences.summaries),
    Shape("two answers with a score each (WebGPT)", "rankings", preferences.is_webgpt, preferences.webgpt),
    Shape("two answers, labels says whether A is preferred (SHP)", "rankings", preferences.is_shp, preferences.shp),
    Shape("two answers, j preferred to k (Stack Exchange)", "rankings", preferences.is_stack, preferences.stack),
    Shape("an answer rated on several axes (HelpSteer)", "ratings", preferences.is_helpsteer, preferences.helpsteer),
    Shape("two answers and which is better", "rankings", preferences.is_decided, preferences.decided),
    Shape("messages that end with the answer", "demonstrations", ours.is_dialogue, ours.dialogue),
    Shape("an instruction and an answer", "demonstrations", ours.is_instruction, ours.instruction),
    Shape("several answers to be ranked", "completions", ours.is_to_rank, ours.to_rank),
    Shape("prompts", "prompts", ours.is_prompt, ours.prompt_alone),
)  # fmt: skip


@dataclass
class Understanding:
    """What a file is, and what would be stored of it.

    ``left_out`` counts records that say nothing yet, by the reason. ``bad`` names the first of ``bad_records``.
    ``whole`` is False where only the first records were looked at.
    """

    container: str
    shape: str
    kind: str
    columns: list[str]
    records: int = 0
    lines: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    bad: list[tuple[int, BadField]] = field(default_factory=list)
    bad_records: int = 0
    examples: list[Values] = field(default_factory=list)
    whole: bool = True

    def as_json(self) -> dict[str, Any]:
        """For people and scripts."""
        return {
            "file": self.container,
            "understood_as": self.shape,
            "kind": self.kind,
            "columns": self.columns,
            "records": self.records,
            "whole": self.whole,
            "lines": self.lines,
            "left_out": dict(self.left_out),
            "bad": self.bad_records,
            "bad_records": [
                {"number": number, "field": error.field, "reason": error.reason} for number, error in self.bad
            ],
            "examples": self.examples,
        }


class Foreign:
    """A file that was recognised: ``understand`` tells what it is, ``lines`` gives all of it for an import."""

    def __init__(self, path: Path, limits: Limits, columns: Mapping[str, str] | None = None) -> None:
        """``columns`` says which column is which of ours, as {"prompt": "Frage"}. Raises BrokenFile."""
        self._limits, self._columns = limits, dict(columns or {})
        self._container: Container = open_container(path, limits.line_bytes)
        first = [record for record in islice(self._records(), LOOKED_AT) if record.error is None]
        if not first:
            raise BrokenFile("it has no record that can be read")
        there = {name for record in first for name in _names(record.values)}
        missing = sorted(set(self._columns.values()) - there)
        renamed = [Record(record.number, self._renamed(record.values)) for record in first]
        names = list(dict.fromkeys(name for record in first for name in record.values))
        if missing:
            raise BrokenFile(
                f"it has no column {', '.join(missing)}: its columns are {', '.join(names)[:300]}"
            )
        self.names = names
        self.shape = _shape_of(renamed, names)

    def understand(
        self, most: int | None = None, watch: Callable[[int], None] = lambda records: None
    ) -> Understanding:
        """Look at ``most`` records, or all; ``watch`` hears how many are done, now and then."""
        understanding = Understanding(self._container.title, self.shape.title, self.shape.kind, self.names)
        records = self._records()
        for record in records if most is None else islice(records, most):
            understanding.records += 1
            if not understanding.records % WATCHED:
                watch(understanding.records)
            try:
                lines = [_bytes(values) for values in self._converted(record)]
                for line in lines:
                    parse(self.shape.kind, line, self._limits)
            except SaysNothing as nothing:
                understanding.left_out[str(nothing)] += 1
                continue
            except BadField as error:
                understanding.bad_records += 1
                if len(understanding.bad) < MOST_NAMED:
                    understanding.bad.append((record.number, error))
                continue
            understanding.lines += len(lines)
            understanding.examples += [
                json.loads(line) for line in lines[: EXAMPLES - len(understanding.examples)]
            ]
        understanding.whole = most is None or next(records, None) is None
        return understanding

    def lines(self) -> Iterator[RawLine]:
        """Every record as lines of the shape's kind, with the record's number."""
        for record in self._records():
            try:
                lines = [_bytes(values) for values in self._converted(record)]
            except SaysNothing:
                continue
            except BadField as error:
                yield RawLine(record.number, b"", error)
                continue
            yield from (RawLine(record.number, line) for line in lines)

    def _records(self) -> Iterator[Record]:
        return self._container.records()

    def _converted(self, record: Record) -> list[Values]:
        if record.error is not None:
            raise record.error
        values = self._renamed(record.values)
        if not self.shape.matches(values):
            raise BadField("", f"is not of the shape of the first ones: {self.shape.title}")
        try:
            return list(self.shape.convert(values))
        except BadField:
            raise
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            # Somebody else's format: what is of another type than they say is that record's fault.
            reason = f"is not as {self.shape.title} has it ({type(error).__name__}: {str(error)[:100]})"
            raise BadField("", reason) from error

    def _renamed(self, values: Mapping[str, Any]) -> Values:
        """Columns as they were named by hand, also those of the data of a task of Label Studio."""
        theirs = {name: our for our, name in self._columns.items()}
        renamed = {theirs.get(name, name): value for name, value in values.items()}
        for inner in ("data", "fields"):
            if isinstance(renamed.get(inner), dict):
                renamed[inner] = {theirs.get(name, name): value for name, value in renamed[inner].items()}
        # Who names the better answer by its column knows the file's name of that, not ours.
        winner = renamed.get("winner")
        return (
            {**renamed, "winner": theirs[winner]} if isinstance(winner, str) and winner in theirs else renamed
        )


def _shape_of(records: list[Record], names: list[str]) -> Shape:
    for shape in SHAPES:
        if all(shape.matches(record.values) for record in records):
            return shape
    raise BrokenFile(
        f"its columns say neither what was asked nor what was answered: {', '.join(names)[:300]}. Say which is which, "
        "as prompt=NAME, completion=NAME, or prompt, left, right and winner of two answers"
    )


def _names(values: Mapping[str, Any]) -> Iterator[str]:
    """Columns, those inside a tool's record too."""
    yield from values
    for inner in ("data", "fields"):
        if isinstance(values.get(inner), dict):
            yield from values[inner]


def _bytes(values: Values) -> bytes:
    """As a line. What a table holds beside texts and numbers, dates say, is kept as text."""
    return json.dumps(values, ensure_ascii=False, default=str).encode()


assert {shape.kind for shape in SHAPES} <= set(KINDS)
