"""What an export holds: a project, and of it one split or one form of prompt where that is asked for."""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db.models import QuerySet

from annotation.files.jsonl.records import NAMELESS_SOURCE
from annotation.models import Project

CHUNK = 1000


@dataclass(frozen=True)
class Scope:
    """``split`` and ``form`` are those of the prompts, ``only`` holds the rows themselves; None is all of them."""

    project: Project
    split: str | None = None
    form: str | None = None
    only: "QuerySet[Any] | None" = None

    def narrow(self, rows: "QuerySet[Any]", prompt: str = "") -> "QuerySet[Any]":
        """The rows whose prompt, found at the path ``prompt``, is in scope, in the order of their making."""
        path = f"{prompt}__" if prompt else ""
        conditions = {f"{path}split": self.split, f"{path}form": self.form}
        kept = rows.filter(**{name: value for name, value in conditions.items() if value}).order_by("id")
        return kept if self.only is None else kept.filter(pk__in=self.only.order_by().values("pk"))


def chunks(rows: "QuerySet[Any]", *columns: str) -> Iterator[list[dict[str, Any]]]:
    """Rows as dicts, a thousand at a time, through a server-side cursor."""
    stream = rows.values(*columns).iterator(chunk_size=CHUNK)
    while chunk := list(islice(stream, CHUNK)):
        yield chunk


def prompt_value(form: str, messages: Sequence[Mapping[str, str]]) -> str | list[dict[str, str]]:
    """A prompt as a line writes it: its text, or its messages."""
    if form == "text":
        return messages[0]["content"]
    return [{"role": message["role"], "content": message["content"]} for message in messages]


def without_empty(**fields: Any) -> dict[str, Any]:
    """The fields that say something: neither None nor empty."""
    return {name: value for name, value in fields.items() if value not in (None, "", {}, [])}


def named_source(name: str) -> str | None:
    """The source as a line names it; None of the nameless one."""
    return None if name == NAMELESS_SOURCE else name


def made_here(row: Mapping[str, Any]) -> dict[str, Any]:
    """How long a judgement took and by which guidelines, of one that was made here and not imported without it."""
    names = ("active_seconds", "guideline_version")
    return {name: row[name] for name in names if row[name] is not None}


def moment(value: datetime.datetime) -> str:
    """A time in UTC."""
    return value.astimezone(datetime.UTC).isoformat()
