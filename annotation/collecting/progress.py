"""How far an annotator is: what is left for them, and what they did. No ranks of people, only one's own figures."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from django.db.models import Exists, OuterRef
from django.utils import timezone

from annotation import rows
from annotation.collecting import bookmarks
from annotation.models import Annotator, Assignment, Task
from annotation.texts.durations import in_words

# Beyond it a page says "more than": counting to the end would grow with the project, and each page counts.
COUNTED = 100
# Subqueries that an index answers each; as querysets they would be seven trips to the database. Newest first, where it
# matters not which: as EXISTS alone the table may be read from its beginning to the first that is meant. And a day has
# an end, or a third of all that there is might be of today.
_FIGURES = """
    WITH submitted AS NOT MATERIALIZED (
        SELECT closed_at FROM annotation_assignment
        WHERE annotator_id = %(annotator)s AND status = 'submitted'
    ), held AS (
        SELECT task.purpose FROM annotation_assignment held JOIN annotation_task task ON task.id = held.task_id
        WHERE held.project_id = %(project)s AND held.annotator_id = %(annotator)s AND held.status = 'open'
    ), written AS NOT MATERIALIZED (
        SELECT text.author_id, text.review FROM annotation_demonstration text
        JOIN annotation_prompt prompt ON prompt.id = text.prompt_id
        LEFT JOIN annotation_annotator author ON author.id = text.author_id
        WHERE text.project_id = %(project)s AND text.is_current
        AND prompt.withdrawn_at IS NULL AND author.withdrawn_at IS NULL
    )
    SELECT
        (SELECT count(*) FROM submitted
            WHERE closed_at >= %(midnight)s AND closed_at < %(midnight)s + interval '1 day'),
        (SELECT closed_at FROM submitted ORDER BY closed_at DESC LIMIT 1) IS NOT NULL,
        (SELECT count(*) FROM held),
        (SELECT count(*) FROM held WHERE purpose = 'collect'),
        (SELECT count(*) FROM (
            SELECT FROM written WHERE review = 'waiting' AND author_id IS DISTINCT FROM %(annotator)s LIMIT [most]
        ) waiting),
        (SELECT count(*) FROM written WHERE review = 'sent_back' AND author_id = %(annotator)s),
        (
            SELECT created_at FROM annotation_ranking WHERE annotator_id = %(annotator)s AND is_current
            AND created_at >= statement_timestamp() - %(revisable)s AND order_shown IS NOT NULL AND import_key IS NULL
            ORDER BY created_at DESC LIMIT 1
        ) IS NOT NULL OR EXISTS (
            SELECT FROM annotation_demonstration WHERE author_id = %(annotator)s AND is_current
            AND created_at >= statement_timestamp() - %(revisable)s AND NOT edited AND assignment_id IS NOT NULL
        ) OR (
            SELECT rated.closed_at FROM annotation_assignment rated JOIN annotation_task task ON task.id = rated.task_id
            WHERE rated.annotator_id = %(annotator)s AND rated.status = 'submitted'
            AND rated.closed_at >= statement_timestamp() - %(revisable)s AND task.kind = 'rate'
            ORDER BY rated.closed_at DESC LIMIT 1
        ) IS NOT NULL,
        ([waiting])
""".replace("[most]", str(COUNTED + 1))

# Of the newest judgements since a moment, by the index of each kind: to find the middle one of a history is to sort all
# of it. A rating has a row a score, each with the seconds of the whole; a version goes on with those of the one before.
PACED = 10_000
_PACE = """
    WITH submitted AS MATERIALIZED (
        SELECT id FROM annotation_assignment
        WHERE annotator_id = %(annotator)s AND status = 'submitted' AND closed_at >= %(since)s
        ORDER BY closed_at DESC LIMIT [most]
    ), judged AS (
        (
            SELECT created_at, active_seconds FROM annotation_ranking
            WHERE annotator_id = %(annotator)s AND is_current AND created_at >= %(since)s
            ORDER BY created_at DESC LIMIT [most]
        )
        UNION ALL
        SELECT min(created_at), max(active_seconds) FROM annotation_rating
        WHERE assignment_id IN (SELECT id FROM submitted) GROUP BY assignment_id
        UNION ALL
        SELECT min(created_at), max(active_seconds) FROM annotation_demonstration
        WHERE assignment_id IN (SELECT id FROM submitted) GROUP BY assignment_id
    )
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY active_seconds)
    FROM (SELECT active_seconds FROM judged ORDER BY created_at DESC LIMIT [most]) newest
"""

# All judgements, by the annotator's index of each kind. An imported score is no answer to a task.
_TIMES = """
    WITH judged AS (
        SELECT created_at, active_seconds FROM annotation_ranking
        WHERE annotator_id = %(annotator)s AND is_current AND active_seconds IS NOT NULL
        UNION ALL
        SELECT min(created_at), max(active_seconds) FROM annotation_rating
        WHERE annotator_id = %(annotator)s AND assignment_id IS NOT NULL GROUP BY assignment_id
        UNION ALL
        SELECT min(created_at), max(active_seconds) FROM annotation_demonstration
        WHERE author_id = %(annotator)s AND assignment_id IS NOT NULL GROUP BY assignment_id
    )
    SELECT
        coalesce(sum(active_seconds) FILTER (WHERE created_at >= %(midnight)s), 0),
        coalesce(sum(active_seconds), 0),
        (SELECT count(*) FROM annotation_assignment WHERE annotator_id = %(annotator)s AND status = 'submitted')
    FROM judged
"""


def _midnight() -> datetime:
    """Of today (UTC)."""
    return timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)


class Figures(NamedTuple):
    """What one statement counts, for the page of every task."""

    today: int
    has_judged: bool
    in_hand: int
    in_hand_collected: int
    to_review: int
    sent_back: int
    may_change: bool
    waiting: int


class Left(NamedTuple):
    """How many tasks wait, as the annotator may know it: ``number`` is exact, at_most or more_than it."""

    number: int
    bound: str


class Times(NamedTuple):
    """Active time of one annotator in seconds: of today (UTC), and of all they judged; and how much that is."""

    today: float
    in_all: float
    submitted: int


@dataclass
class Progress:
    """One annotator's figures, counted when they are asked for. ``left`` counts to COUNTED + 1 at most."""

    annotator: Annotator

    @cached_property
    def figures(self) -> Figures:
        """What costs little however much there is."""
        waiting, values = bookmarks.counting(self.annotator, COUNTED + 1)
        statement = _FIGURES.replace("[waiting]", waiting)
        moments = {
            "midnight": _midnight(),
            "revisable": timedelta(hours=self.annotator.project.revise_hours),
        }
        return Figures(*rows.values(statement, **values, **moments))

    @property
    def today(self) -> int:
        """Judgements of today (UTC), of every kind."""
        return self.figures.today

    @property
    def has_judged(self) -> bool:
        """Whether they ever submitted anything here."""
        return self.figures.has_judged

    @property
    def to_review(self) -> int:
        """Answers of others that wait for this annotator's review, counted to COUNTED + 1."""
        return self.figures.to_review

    @property
    def sent_back(self) -> int:
        """Their answers that a reviewer sent back."""
        return self.figures.sent_back

    @property
    def may_change(self) -> bool:
        """Whether there is something that they submitted lately and may still change (history.last_changeable)."""
        return self.figures.may_change

    @cached_property
    def times(self) -> Times:
        """How long they judged. Not for the page of a task, nor for that of all projects: it adds up all they did."""
        return Times(*rows.values(_TIMES, annotator=self.annotator.pk, midnight=_midnight()))

    @cached_property
    def pace(self) -> float | None:
        """Median active seconds of a judgement of theirs today, of every kind; None before one was timed."""
        return self._pace(since=_midnight())

    @cached_property
    def pace_in_all(self) -> float | None:
        """The same of the newest PACED that they judged."""
        return self._pace(since="-infinity")

    def _pace(self, since: datetime | str) -> float | None:
        statement = _PACE.replace("[most]", str(PACED))
        median: float | None
        (median,) = rows.values(statement, annotator=self.annotator.pk, since=since)
        return median

    @property
    def pace_in_words(self) -> str:
        """That of today, in words; "" before one was timed."""
        return "" if self.pace is None else in_words(self.pace)

    @property
    def pace_in_all_in_words(self) -> str:
        """That of the newest, in words."""
        return "" if self.pace_in_all is None else in_words(self.pace_in_all)

    @property
    def paced(self) -> int | None:
        """Of how many of the newest the pace is, where that is not all of them."""
        return PACED if self.in_all > PACED else None

    @property
    def time_today(self) -> str:
        """Active time of today (UTC), in words; "" where none was counted."""
        return in_words(self.times.today) if self.times.today else ""

    @property
    def time_in_all(self) -> str:
        """All their active time, in words; "" where none was counted."""
        return in_words(self.times.in_all) if self.times.in_all else ""

    @property
    def in_all(self) -> int:
        """All that they submitted. Not for the page of a task: it counts them one by one."""
        return self.times.submitted

    @cached_property
    def left(self) -> int:
        """Tasks that wait for this annotator, the one in hand included.

        Judgements of gold tasks and repeats are work like any other, so they count as done; as left they do not.
        """
        waiting = self.figures.waiting + self.figures.in_hand_collected
        # A gold task or a repeat in hand is not counted, and yet it never shows as "nothing left".
        return min(COUNTED + 1, max(waiting, min(self.figures.in_hand, 1)))

    @cached_property
    def in_other_hands(self) -> bool:
        """Whether a task that somebody else holds now may still come back to this annotator."""
        closed = [Assignment.Status.SUBMITTED, Assignment.Status.SKIPPED]
        seen = Assignment.objects.filter(
            task=OuterRef("task"), annotator=self.annotator.pk, status__in=closed
        )
        open_assignments = Assignment.objects.open().filter(
            project=self.annotator.project_id, task__purpose=Task.Purpose.COLLECT
        )
        return open_assignments.exclude(annotator=self.annotator.pk).filter(~Exists(seen)).exists()

    @cached_property
    def has_tasks(self) -> bool:
        """Whether the project has any."""
        return self.left > 0 or Task.objects.collected().filter(project=self.annotator.project_id).exists()

    @property
    def up_to(self) -> int | None:
        """``left`` rounded up to tens, where the project checks: a number that stays when a task is done would tell
        that the task was a check. None where it does not check."""
        project = self.annotator.project
        if not (project.gold_every or project.repeat_every):
            return None
        return -(-self.left // 10) * 10

    @property
    def left_shown(self) -> Left | None:
        """What they are shown of ``left``; None of who is paused, whom nothing waits for."""
        if self.annotator.standing == Annotator.Standing.PAUSED:
            return None
        if self.more_than_counted:
            return Left(COUNTED, "more_than")
        if self.left and self.up_to:
            return Left(self.up_to, "at_most")
        return Left(self.left, "exact")

    @property
    def more_than_counted(self) -> bool:
        return self.left > COUNTED


def of(annotator: Annotator) -> Progress:
    """The figures of ``annotator``."""
    return Progress(annotator)
