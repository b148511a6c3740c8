"""How much each annotator judged, of every kind, and how long it took: for the pages that list people."""

from collections.abc import Collection
from typing import NamedTuple

from django.db import connection

from annotation import counting
from annotation.models import Tally
from annotation.preferences.tally import HABITS

# Of rankings none is read: they are counted as they come in. An answer has a row a score, each with the seconds of the
# whole; an imported score stands alone.
_STATEMENT = """
    SELECT annotator.id, rated.answers, rated.read, written.answers, reviewed.answers,
        coalesce(rated.seconds, 0) + coalesce(written.seconds, 0)
    FROM unnest(%(annotators)s::bigint[]) annotator(id)
    CROSS JOIN LATERAL (
        SELECT count(*) answers, coalesce(sum(scores), 0) read, sum(seconds) seconds FROM (
            SELECT count(*) scores, max(active_seconds) seconds FROM (
                SELECT id, assignment_id, active_seconds FROM annotation_rating
                WHERE annotator_id = annotator.id AND is_current LIMIT %(most)s
            ) score GROUP BY coalesce(assignment_id, -id)
        ) answer
    ) rated
    CROSS JOIN LATERAL (
        SELECT count(*) answers, sum(active_seconds) seconds FROM (
            SELECT active_seconds FROM annotation_demonstration
            WHERE author_id = annotator.id AND is_current LIMIT %(most)s
        ) answer
    ) written
    CROSS JOIN LATERAL (
        SELECT count(*) answers FROM (
            SELECT FROM annotation_demonstration WHERE reviewer_id = annotator.id LIMIT %(most)s
        ) answer
    ) reviewed
"""


class Work(NamedTuple):
    """One annotator's current judgements, and the active ``seconds`` of those that were timed.

    A rating is one answer with all its scores. Rankings are those that the quality page counts.
    """

    rankings: counting.Bounded = counting.Bounded()
    ratings: counting.Bounded = counting.Bounded()
    demonstrations: counting.Bounded = counting.Bounded()
    reviews: counting.Bounded = counting.Bounded()
    seconds: float = 0.0

    @property
    def hours(self) -> float:
        """Active time."""
        return self.seconds / 3600


KINDS = {"rankings": "Rankings", "ratings": "Ratings", "demonstrations": "Answers", "reviews": "Reviews"}


def of(annotators: Collection[int], most: int = counting.MOST) -> dict[int, Work]:
    """What each of them did, by their keys, in two queries: of a kind no more than ``most`` rows are read of each."""
    tallies = Tally.objects.filter(kind=HABITS, annotator__in=annotators, week="")
    ranked = {row.annotator_id: row.total.named() for row in tallies}
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT, {"annotators": list(annotators), "most": most + 1})
        rows = cursor.fetchall()
    work = {}
    for pk, rated, read, written, reviewed, seconds in rows:
        habits = ranked.get(pk, {})
        work[pk] = Work(
            counting.Bounded(round(habits.get("rankings", 0))),
            counting.Bounded(rated, read > most),
            counting.of(written, most),
            counting.of(reviewed, most),
            habits.get("seconds", 0.0) + seconds,
        )
    return work


def columns(works: Collection[Work]) -> dict[str, str]:
    """The kinds that any of them judged, with what a column of each is called; rankings where nobody judged yet."""
    judged = {name: title for name, title in KINDS.items() if any(getattr(one, name).number for one in works)}
    return judged or {"rankings": KINDS["rankings"]}
