"""One import in progress: its project, its counts, its bad lines, and the names it has looked up."""

import datetime
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from django.db import connection
from django.db.models import JSONField, Model, TextField

from annotation import locks
from annotation.collecting import bookmarks
from annotation.errors import BadLine
from annotation.files import splitting
from annotation.files.jsonl.errors import BadField
from annotation.models import (
    Annotator,
    Assignment,
    Comparison,
    Completion,
    Demonstration,
    Flag,
    Project,
    Prompt,
    Ranking,
    Rating,
    Slot,
    Source,
    StaleTask,
    Task,
    TaskCompletion,
)

# Named one by one; the rest are counted.
MOST_NAMED = 100
# So many are worth the moment that counting takes, where a table has grown by such a part of what Postgres counted last
# (at which it would count by itself). What may grow is counted in this order, by all imports.
MANY_ROWS = 500
GROWN_BY = 0.1
GROWN = (
    Annotator, Source, Prompt, Completion, Task, TaskCompletion, Slot, Assignment, Ranking, Comparison, Rating,
    Demonstration, Flag, StaleTask,
)  # fmt: skip
L = TypeVar("L")


def queue_place(slot: tuple[int, int]) -> tuple[int, int]:
    """By which (priority, task) come in the queue: the highest priority first, then the oldest task."""
    priority, task_id = slot
    return -priority, task_id


class Numbered(NamedTuple, Generic[L]):
    """A line's value with its number in the file, from 1."""

    number: int
    line: L


@dataclass
class Report:
    """What an import did: lines read, rows added, lines whose content was there already, bad lines.

    ``notes`` are of what is as it was asked for, and hardly what anybody wants.
    """

    lines: int = 0
    added: int = 0
    already: int = 0
    bad: int = 0
    bad_lines: list[BadLine] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def refuse(self, number: int, error: BadField) -> None:
        """Count a bad line, and name it while there are few."""
        self.bad += 1
        if len(self.bad_lines) < MOST_NAMED:
            self.bad_lines.append(BadLine(number, error.field, error.reason))

    def as_json(self) -> dict[str, Any]:
        """For people and scripts."""
        counts = {"lines": self.lines, "added": self.added, "already": self.already, "bad": self.bad}
        notes = {"notes": self.notes} if self.notes else {}
        return {**counts, "bad_lines": [line._asdict() for line in sorted(self.bad_lines)], **notes}


class KnownAnnotator(NamedTuple):
    """An annotator's row, as far as an import needs it."""

    id: int
    simulated: bool


@dataclass
class Desk:
    """A project has one, and it is locked for as long as it is open: one import or sampling at a time writes to it."""

    project: Project
    now: datetime.datetime
    report: Report = field(default_factory=Report)
    sources: dict[str, int] = field(default_factory=dict)
    annotators: dict[str, KnownAnnotator] = field(default_factory=dict)
    # Whoever made the n-th judgement without a name of the same thing.
    nobodies: list[int] = field(default_factory=list)
    # How often a line without an annotator has come already: votes are anonymous, equal, and all count.
    unnamed: Counter[str] = field(default_factory=Counter)
    # Where the first of the slots that were added stands in the queue: its priority and task.
    first_slot: tuple[int, int] | None = None
    # The line on which each prompt of a file of prompts stands, by the beginning of its digest.
    prompt_lines: dict[int, int] = field(default_factory=dict)

    def added_slots(self, places: Iterable[tuple[int, int]]) -> None:
        """Slots were added at these priorities and tasks."""
        known = () if self.first_slot is None else (self.first_slot,)
        self.first_slot = min((*known, *places), key=queue_place, default=None)


def open_desk(project: Project, *, patient: bool = False) -> Desk:
    """Lock the project's desk and read the clock of the database. Call inside a transaction.

    Annotators go on claiming and submitting, and settings change. ``patient`` waits for whoever has the desk now as
    long as that takes. Raises Busy.
    """
    locks.desk(project, patient=patient)
    current = Project.objects.get(pk=project.pk)
    with connection.cursor() as cursor:
        # Else Postgres keeps a note of every row to the commit, and checks them all there while nothing else is done.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SELECT now()")
        return Desk(current, cursor.fetchone()[0])


def close_desk(desk: Desk) -> None:
    """What others wait for comes last: the project's row is locked from here to the commit."""
    if desk.report.added:
        _note_one_split(desk)
    if desk.report.added >= MANY_ROWS:
        _let_postgres_count()
    if desk.first_slot is not None:
        priority, task_id = desk.first_slot
        bookmarks.grown(desk.project, priority=priority, task_id=task_id)


def _note_one_split(desk: Desk) -> None:
    """Nothing is held out where all prompts are in one split: told, unless it is the chance of a few prompts."""
    alone = splitting.in_one_split(desk.project)
    if alone is not None and (alone.prompts > 1 or desk.report.added > 1) and not alone.may_be_chance:
        desk.report.notes.append(alone.words)


def _let_postgres_count() -> None:
    """Whoever asks next is answered by a plan for what is there now.

    Postgres counts by itself within some minutes. Until then it plans for tables as they were before, and for a table
    that it last saw empty it picks loops within loops: an export of two thousand rankings, right after their import,
    was seen to take more than five minutes instead of a tenth of a second. Tables that nothing was added to are not
    counted. An empty one must not be, for the same reason: the first judgements of a project would read all that there
    are, again and again. Nor are tables that have hardly grown: a few hundred lines for a million that are there would
    wait for a sample of thirty thousand rows of each. Texts are left to Postgres: no rows are joined by them, and their
    words, which an index holds, take longer to count than everything else.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MUCH_GROWN, {"part": GROWN_BY})
        names = {name for (name,) in cursor.fetchall()}
        grown = [
            model for model in GROWN if model._meta.db_table in names and model._default_manager.exists()
        ]
        if grown:
            cursor.execute(f"ANALYZE {', '.join(_joined_by(model) for model in grown)}")


# What this transaction added, and what was committed since Postgres counted; where reltuples is -1 it never has.
# For a second, a connection takes for this transaction's what an earlier one of it added, and maybe took back.
_MUCH_GROWN = """
    SELECT here.relname FROM pg_stat_xact_user_tables here JOIN pg_class ON pg_class.oid = here.relid
    WHERE here.n_tup_ins > 0
        AND here.n_tup_ins + pg_stat_get_mod_since_analyze(here.relid) >= %(part)s * pg_class.reltuples
"""


def _joined_by(model: type[Model]) -> str:
    """The table with its columns that are neither texts nor JSON."""
    fields = [field for field in model._meta.concrete_fields if not isinstance(field, TextField | JSONField)]
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    return f"{connection.ops.quote_name(model._meta.db_table)} ({columns})"
