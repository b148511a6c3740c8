"""The free slot that an annotator gets, at a cost that does not grow with the project.

The partial index on free slots is the queue. Somebody who has judged tasks that others have not would walk past all of
those again and again, so a bookmark remembers the first slot that may still be theirs. What can come to stand before
a bookmark is looked at apart:

    slots given back             by the time at which it happened, with a margin
    slots added                  bring every bookmark that stands beyond the first of them back to it (``grown``)
    slots moved                  raise the project's queue_version, which makes every older bookmark void
    slots locked by somebody     a bookmark is set by a reading that ignores locks, so it never passes one

A share of tasks is drawn at random instead: the next free slot after a random point in the order of lots.
"""
# ruff: noqa: S608 (the statements are put together from constants of this file; values are parameters)

import random
import uuid
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from django.db import connection

from annotation import locks, rows
from annotation.models import Annotator, Assignment, Bookmark, Project, Prompt, Task
from annotation.rows import Rows

Choice = Assignment.Choice
# Slots that are looked at before a bookmark is moved, and then if others lock all of these. Moving it takes longer than
# walking past all of them: where each task leaves two slots for others, one judgement in thirty-two does.
WINDOW, WIDE_WINDOW = 64, 1024
# Longer than any transaction that gives a slot back.
MARGIN = timedelta(hours=1)
# Below the least of Postgres' integer.
_LAST = -(2**31) - 1


class Lease(NamedTuple):
    """What an assignment begins with: whether it is for later, and by which lots its completions are put in order.

    ``lots[i]`` is that of the completion at place i of the task.
    """

    ahead: bool
    lots: Sequence[float]

    def values(self, annotator: Annotator) -> dict[str, Any]:
        """For ``LEASED``."""
        return {
            "public_id": uuid.uuid4(),
            "annotator": annotator.pk,
            "project": annotator.project_id,
            "lease_seconds": annotator.project.lease_seconds,
            "ahead": self.ahead,
            "lots": list(self.lots),
        }


class Mark(NamedTuple):
    """A bookmark that holds: nothing is left for the annotator before this place, but what came back ``since``."""

    priority: int
    task: int
    since: datetime


def take(annotator: Annotator, lease: Lease, kinds: Collection[str] = Task.Kind.values) -> Assignment | None:
    """Lease the task of a free slot to ``annotator``, whose row is locked and read with its project and bookmark.

    None where none is left. With task, prompt and texts.

    Of tasks of these ``kinds``; bookmarks know nothing of kinds, so that they hold for whatever is asked for next.
    Under SKIP LOCKED: nobody waits for anybody else's claim.
    """
    share = annotator.project.random_share
    drawn = _draw(annotator, lease, kinds) if share and random.SystemRandom().random() < share else None
    return drawn or _take_next(annotator, lease, kinds)


def grown(project: Project, *, priority: int, task_id: int) -> None:
    """Slots were added, none before this place: what was found before it holds, and bookmarks beyond it go back to it.

    Under the project's desk, in the transaction that adds them. A claim that has not seen them may store a bookmark at
    the same moment; it is of the version before, and void. So whoever has judged a million tasks does not walk past
    them again for every import.
    """
    with connection.cursor() as cursor:
        cursor.execute(_GROWN, {"project": project.pk, "priority": priority, "task": task_id})
    locks.queue_moved(project)


def tasks_left(annotator: Annotator, most: int) -> int:
    """How many tasks have a free slot for this annotator, counted to ``most``."""
    statement, values = counting(annotator, most)
    (number,) = rows.values(statement, **values)
    return int(number)


def counting(annotator: Annotator, most: int) -> tuple[str, dict[str, Any]]:
    """The statement that counts them, to ``most``, as a part of others; and its values."""
    mark = _mark(annotator)
    return _count(mark is None, most), _values(annotator, mark)


def _mark(annotator: Annotator) -> Mark | None:
    stored: Bookmark | None = getattr(annotator, "bookmark", None)
    if stored is None or stored.queue_version != annotator.project.queue_version:
        return None
    return Mark(stored.priority, stored.task_number, stored.made_at - MARGIN)


def _take_next(annotator: Annotator, lease: Lease, kinds: Collection[str]) -> Assignment | None:
    mark = _mark(annotator)
    taken = _taken(_TAKE, annotator, lease, mark, kinds, window=WINDOW)
    if taken is not None:
        return taken
    mark = _move(annotator, mark)
    # The wider ones are for the moment in which others lock all of a window, and for kinds that come far behind.
    windows = (WINDOW, WIDE_WINDOW, None)
    tries = (_taken(_TAKE, annotator, lease, mark, kinds, window=window) for window in windows)
    return next(filter(None, tries), None)


def _move(annotator: Annotator, mark: Mark | None) -> Mark | None:
    """The bookmark at the first free slot that is for this annotator, stored if that is elsewhere than before."""
    statement = _statement(_MOVE, mark is None)
    version = annotator.project.queue_version
    with rows.planned() as cursor:
        cursor.execute(statement, _values(annotator, mark) | {"queue_version": version, "nowhere": _LAST})
        place = cursor.fetchone()
    if place is None:
        return mark
    priority, task, made_at = place
    annotator.bookmark = Bookmark(
        annotator=annotator, priority=priority, task_number=task, queue_version=version, made_at=made_at
    )
    return _mark(annotator)


def _draw(annotator: Annotator, lease: Lease, kinds: Collection[str]) -> Assignment | None:
    """A slot near a random point in the order of lots; None where the annotator knows all that lie there."""
    start = random.SystemRandom().random()
    for first, last in ((start, 1.0), (0.0, start)):
        taken = _taken(_DRAW, annotator, lease, None, kinds, first=first, last=last, window=WINDOW)
        if taken is not None:
            return taken
    return None


def _taken(
    text: str, annotator: Annotator, lease: Lease, mark: Mark | None, kinds: Collection[str], **values: Any
) -> Assignment | None:
    """The assignment of the slot that the statement takes."""
    some = {"kinds": sorted(kinds)} if set(kinds) != set(Task.Kind.values) else {}
    statement = _leased(text, mark is None, bool(some))
    assignment = statement.first(**_values(annotator, mark) | lease.values(annotator), **some, **values)
    if assignment is not None:
        assignment.project, assignment.annotator = annotator.project, annotator
    return assignment


@cache
def _leased(text: str, from_start: bool, of_kinds: bool) -> "Rows[Assignment]":
    return leased(_statement(text, from_start, of_kinds))


def leased(statement: str) -> "Rows[Assignment]":
    """A statement that ends with LEASED."""
    return Rows(Assignment, statement, task=Task, task__prompt=Prompt, known={"task__texts": TEXTS})


@cache
def _statement(text: str, from_start: bool, of_kinds: bool = False) -> str:
    """``text`` with its parts filled in: from where it reads, and what is not for this annotator."""
    parts = _FROM_START if from_start else _FROM_MARK
    for_them = f"{_UNSEEN} AND {_OWN_TEXT} AND {_OF_KINDS if of_kinds else 'true'}"
    return text.format(tasks=parts.tasks, slots=parts.slots, first=parts.first).replace(
        "[for them]", for_them
    )


@cache
def _count(from_start: bool, most: int) -> str:
    """With its limit written out: planned for any, Postgres would take it for a tenth of all there is."""
    return _statement(_COUNT, from_start).replace("[most]", str(most))


def _values(annotator: Annotator, mark: Mark | None) -> dict[str, Any]:
    who = {"project": annotator.project_id, "annotator": annotator.pk}
    return who if mark is None else {**who, **mark._asdict()}


# Subqueries of one row each, so that the planner has no choice but to look a few rows up in an index. As NOT EXISTS
# they may become a join with everything that the annotator has ever seen. And IS NOT TRUE is expected of every second
# slot, where IS NULL is of one in two hundred: to find a few of those, Postgres may read and sort all there are.
_UNSEEN = """(
    SELECT true FROM annotation_assignment seen
    WHERE seen.task_id = slot.task_id AND seen.annotator_id = %(annotator)s
    AND seen.status IN ('open', 'submitted', 'skipped') LIMIT 1
) IS NOT TRUE"""
# Nobody ranks their own text; most people wrote none, which is asked once.
_OWN_TEXT = """((
    SELECT true FROM annotation_source wrote WHERE wrote.annotator_id = %(annotator)s LIMIT 1
) IS NOT TRUE OR (
    SELECT true FROM annotation_taskcompletion entry
    JOIN annotation_completion text ON text.id = entry.completion_id
    JOIN annotation_source own ON own.id = text.source_id
    WHERE entry.task_id = slot.task_id AND own.annotator_id = %(annotator)s LIMIT 1
) IS NOT TRUE)"""
_OF_KINDS = "(SELECT task.kind FROM annotation_task task WHERE task.id = slot.task_id) = ANY(%(kinds)s)"


class _Parts(NamedTuple):
    """A reading in the order of the queue: some slots' ids, the first slot for somebody, their tasks."""

    slots: str
    first: str
    tasks: str


_FREE = "annotation_slot slot WHERE slot.project_id = %(project)s AND slot.annotator_id IS NULL"
_LEVEL = f"{_FREE} AND slot.priority = %(priority)s AND slot.task_id >= %(task)s"
_BELOW = f"{_FREE} AND slot.priority < %(priority)s"
# It has an end, or Postgres takes a third of all slots for given back, and may read them all.
_BACK = f"{_FREE} AND slot.freed_at > %(since)s AND slot.freed_at < 'infinity'"
# OFFSET: few were given back, and they are found by when that was; in the queue all that stands before is walked past.
_BEFORE = f"""(SELECT * FROM {_BACK} OFFSET 0) slot
    WHERE (slot.priority, -slot.task_id) > (%(priority)s, -%(task)s)"""
_ORDER = "ORDER BY slot.priority DESC, slot.task_id, slot.number"


def _slots(source: str) -> str:
    return f"(SELECT slot.id FROM {source} {_ORDER} LIMIT %(window)s)"


def _first(source: str) -> str:
    return f"(SELECT slot.priority, slot.task_id FROM {source} AND [for them] {_ORDER} LIMIT 1)"


def _tasks(source: str) -> str:
    """Each task once, by the first of its free slots, in their order: sorted, all would be read.

    Whether it is for somebody is asked once a task, and not once a slot.
    """
    once = f"SELECT DISTINCT ON (slot.priority, slot.task_id) slot.task_id FROM {source} {_ORDER}"
    return f"(SELECT slot.task_id FROM ({once}) slot WHERE [for them] LIMIT [most])"


_FROM_START = _Parts(_slots(_FREE), _first(_FREE), _tasks(_FREE))
# The rest of the bookmark's priority, then what is lower; and whatever was given back.
_FROM_MARK = _Parts(
    f"{_slots(_LEVEL)} UNION ALL {_slots(_BELOW)} UNION ALL (SELECT slot.id FROM {_BACK})",
    f"{_first(_LEVEL)} UNION ALL {_first(_BELOW)} LIMIT 1",
    f"{_tasks(_LEVEL)} UNION ALL {_tasks(_BELOW)} UNION ALL {_tasks(_BEFORE)}",
)
# What a page shows of a task beside its own columns and its prompt's.
TEXTS = """
    ARRAY(SELECT completion.text FROM annotation_taskcompletion entry
        JOIN annotation_completion completion ON completion.id = entry.completion_id
        WHERE entry.task_id = task.id ORDER BY entry.position)
"""
# From ``taken``, a task and why it was chosen, to the assignment with task, prompt and texts; with a Lease's values.
LEASED = """
    assignment AS (
        INSERT INTO annotation_assignment (
            public_id, task_id, project_id, annotator_id, chosen, expires_at, order_shown, ahead,
            status, draft, drafted_by, reason
        )
        SELECT %(public_id)s, taken.task_id, %(project)s, %(annotator)s, taken.chosen,
            statement_timestamp() + make_interval(secs => %(lease_seconds)s),
            ARRAY(SELECT entry.position FROM annotation_taskcompletion entry WHERE entry.task_id = taken.task_id
                ORDER BY (%(lots)s::float8[])[entry.position + 1]),
            %(ahead)s, 'open', jsonb_build_object(), '', ''
        FROM taken RETURNING *
    )
    SELECT [assignment], [task], [prompt], [texts] FROM assignment
    JOIN annotation_task task ON task.id = assignment.task_id
    JOIN annotation_prompt prompt ON prompt.id = task.prompt_id
"""
_BY_PRIORITY = f"CASE WHEN task.ordered_by = '' THEN '{Choice.PRIORITY}' ELSE '{Choice.DOUBT}' END"


def _slot_taken(why: str) -> str:
    return f"""
    taken AS (
        UPDATE annotation_slot SET annotator_id = %(annotator)s FROM chosen, annotation_task task
        WHERE annotation_slot.id = chosen.id AND task.id = annotation_slot.task_id
        RETURNING annotation_slot.task_id, {why} AS chosen
    ), {LEASED}
    """


_TAKE = f"""
    WITH ahead AS MATERIALIZED ({{slots}}), chosen AS MATERIALIZED (
        SELECT slot.id FROM ahead JOIN annotation_slot slot USING (id)
        WHERE slot.annotator_id IS NULL AND [for them]
        {_ORDER} LIMIT 1 FOR NO KEY UPDATE OF slot SKIP LOCKED
    ), {_slot_taken(_BY_PRIORITY)}
"""
_DRAW = f"""
    WITH near AS MATERIALIZED (
        SELECT slot.id FROM {_FREE} AND slot.lot >= %(first)s AND slot.lot < %(last)s
        ORDER BY slot.lot LIMIT %(window)s
    ), chosen AS MATERIALIZED (
        SELECT slot.id FROM near JOIN annotation_slot slot USING (id)
        WHERE slot.annotator_id IS NULL AND [for them]
        ORDER BY slot.lot LIMIT 1 FOR NO KEY UPDATE OF slot SKIP LOCKED
    ), {_slot_taken(f"'{Choice.RANDOM}'")}
"""
_GROWN = """
    UPDATE annotation_bookmark mark SET
        queue_version = project.queue_version + 1,
        priority = greatest(mark.priority, %(priority)s),
        task_number = CASE
            WHEN mark.priority < %(priority)s THEN %(task)s
            WHEN mark.priority = %(priority)s THEN least(mark.task_number, %(task)s)
            ELSE mark.task_number
        END
    FROM annotation_annotator annotator JOIN annotation_project project ON project.id = annotator.project_id
    WHERE annotator.id = mark.annotator_id AND project.id = %(project)s AND mark.queue_version = project.queue_version
"""
# Postgres' CURRENT_TIMESTAMP is when this transaction began, and so before the reading. Nothing comes back where the
# bookmark stands there already.
_MOVE = """
    WITH first (priority, task) AS ({first})
    INSERT INTO annotation_bookmark AS mark (annotator_id, priority, task_number, queue_version, made_at)
    SELECT %(annotator)s, coalesce(first.priority, %(nowhere)s), coalesce(first.task, 0), %(queue_version)s,
        CURRENT_TIMESTAMP
    FROM (SELECT) always LEFT JOIN first ON true
    ON CONFLICT (annotator_id) DO UPDATE SET priority = excluded.priority, task_number = excluded.task_number,
        queue_version = excluded.queue_version, made_at = excluded.made_at
    WHERE (mark.priority, mark.task_number, mark.queue_version)
        IS DISTINCT FROM (excluded.priority, excluded.task_number, excluded.queue_version)
    RETURNING priority, task_number, made_at
"""
_COUNT = "SELECT count(*) FROM (SELECT FROM ({tasks}) tasks LIMIT [most]) counted"
