"""The reserved key ``concord``: where a line comes from, written by an export and read back by an import."""

import datetime
from typing import NamedTuple

from annotation.files.jsonl.errors import BadField
from annotation.files.jsonl.fields import Fields

KEY = "concord"
SPLITS = ("train", "validation", "test")
# What a task is for that collects nothing, and how a task is answered.
PURPOSES = ("gold", "repeat", "adjudication")
TASK_KINDS = ("rank", "rate", "demonstrate")


class Provenance(NamedTuple):
    """What the key says, each None where it says nothing. Ids are the exporting database's public ids."""

    id: str | None = None
    prompt: str | None = None
    task: str | None = None
    completion_ids: list[str] | None = None
    split: str | None = None
    sources: list[str] | None = None
    tiers: list[int] | None = None
    order_shown: list[int] | None = None
    active_seconds: float | None = None
    guideline_version: int | None = None
    strength: float | None = None
    slots: int | None = None
    sampled: bool | None = None
    simulated: bool | None = None
    metadata: str | None = None
    created_at: datetime.datetime | None = None
    superseded: bool | None = None
    reviewer: str | None = None
    reviewed_at: datetime.datetime | None = None
    comment: str | None = None
    edited: bool | None = None
    purpose: str | None = None
    again: str | None = None
    kind: str | None = None
    resolved_at: datetime.datetime | None = None
    closed_at: datetime.datetime | None = None


_NOTHING = Provenance()


def read_provenance(fields: Fields, completions: int) -> Provenance:
    """Take the key of a line about ``completions`` completions. Raises BadField, an unknown inner key included."""
    if not fields.has(KEY):
        return _NOTHING
    block = fields.within(KEY)
    block.take(
        "rewards"
    )  # of reward models of the exporting database: this one has no versions to keep them under
    provenance = Provenance(
        id=block.identifier("id"),
        prompt=block.identifier("prompt"),
        task=block.identifier("task"),
        completion_ids=block.identifiers("completions", completions),
        split=block.choice("split", SPLITS),
        sources=block.labels("sources", completions),
        tiers=block.list_of("tiers"),
        order_shown=block.permutation("order_shown", completions),
        active_seconds=block.number("active_seconds", least=0.0),
        guideline_version=block.whole("guideline_version", least=0),
        strength=block.number("strength", least=0.0),
        slots=block.whole("slots", least=0, most=50),
        sampled=block.flag("sampled"),
        simulated=block.flag("simulated"),
        metadata=block.optional_text("metadata") or None,
        created_at=block.moment("created_at"),
        superseded=block.flag("superseded"),  # of a ranking it follows from the order of lines
        reviewer=block.label("reviewer"),
        reviewed_at=block.moment("reviewed_at"),
        comment=block.optional_text("comment") or None,
        edited=block.flag("edited"),
        purpose=block.choice("purpose", PURPOSES),
        again=block.identifier("again"),  # the task by which "task" was asked again
        kind=block.choice("kind", TASK_KINDS),
        resolved_at=block.moment("resolved_at"),
        closed_at=block.moment("closed_at"),
    )
    for name in block.rest():
        raise BadField(f"{KEY}.{name}", "is not known: the file comes from another version")
    return provenance
