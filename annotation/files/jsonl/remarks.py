"""Kinds "flags" and "skips": what annotators said of a task instead of judging it, or beside that."""

from typing import TypeVar

from annotation.files.jsonl.fields import Fields
from annotation.files.jsonl.parts import (
    check_completions,
    completion,
    read_annotator,
    read_completion,
    read_prompt,
    set_key_of,
    source_at,
    with_split,
)
from annotation.files.jsonl.provenance import KEY, read_provenance
from annotation.files.jsonl.records import COLLECT, CompletionValue, FlagLine, PromptValue, SkipLine
from annotation.preferences.tiers import LEAST_COMPLETIONS

CATEGORIES = ("harmful", "private", "broken", "names_model", "other")
L = TypeVar("L", FlagLine, SkipLine)


def flag(fields: Fields) -> FlagLine:
    """Of a task by an annotator; with ``completion`` instead of ``completions``, of that text. Raises BadField."""
    prompt = read_prompt(fields)
    about_text = fields.has("completion")
    items = [] if about_text else _task_items(fields)
    provenance = read_provenance(fields, 1 if about_text else len(items))
    completions = [read_completion(item, provenance, index) for index, item in enumerate(items)]
    if about_text:
        completions = [completion(fields.text("completion"), source_at(None, provenance, 0, "completion"))]
    category = fields.choice("category", CATEGORIES)
    if category is None:
        raise fields.bad("category", "is missing")
    resolution = fields.optional_text("resolution")
    if bool(resolution) != (provenance.resolved_at is not None):
        raise fields.bad("resolution", f"stands beside {KEY}.resolved_at, or neither does")
    line = FlagLine(
        prompt=with_split(prompt, provenance),
        completions=completions,
        key="" if about_text else _task_key(fields, prompt, completions),
        annotator=None if about_text else _somebody(fields),
        category=category,
        words=fields.optional_text("words"),
        resolution=resolution,
        resolved_by=fields.label("resolved_by"),
        provenance=provenance,
        purpose=provenance.purpose or COLLECT,
    )
    return _nothing_left(fields, line)


def skip(fields: Fields) -> SkipLine:
    """A task that an annotator passed over. Raises BadField."""
    prompt = read_prompt(fields)
    items = _task_items(fields)
    provenance = read_provenance(fields, len(items))
    completions = [read_completion(item, provenance, index) for index, item in enumerate(items)]
    line = SkipLine(
        prompt=with_split(prompt, provenance),
        completions=completions,
        key=_task_key(fields, prompt, completions),
        annotator=_somebody(fields),
        reason=fields.optional_text("reason"),
        provenance=provenance,
        purpose=provenance.purpose or COLLECT,
    )
    return _nothing_left(fields, line)


def _task_items(fields: Fields) -> list[Fields]:
    """The completions of a task of any kind; one to be answered has none."""
    return fields.objects("completions") if fields.has("completions") else []


def _task_key(fields: Fields, prompt: PromptValue, completions: list[CompletionValue]) -> str:
    key = fields.label("task")
    if key is None and len(completions) < LEAST_COMPLETIONS:
        raise fields.bad("task", "is missing")
    check_completions(fields, completions)
    return key or set_key_of(prompt, completions)


def _somebody(fields: Fields) -> str:
    name = read_annotator(fields)
    if name is None:
        raise fields.bad("annotator", "is missing")
    return name


def _nothing_left(fields: Fields, line: L) -> L:
    """The line, of a kind that has no metadata to keep unknown fields in."""
    for unknown in fields.rest():
        raise fields.bad(unknown, "is not a field of this kind")
    return line
