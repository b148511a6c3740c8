"""Counts that are shown at once, whatever a project holds: exact where there are few, and else at least so many."""

from typing import Any, NamedTuple

from django.db import connection
from django.db.models import QuerySet

# Counted within some milliseconds.
MOST = 10_000


class Bounded(NamedTuple):
    """``number`` things, or more than that where there are ``more``."""

    number: int = 0
    more: bool = False

    def __str__(self) -> str:
        return f"{self.number:,}{'+' if self.more else ''}"

    def __bool__(self) -> bool:
        return self.number > 0


def bounded(rows: "QuerySet[Any]", most: int = MOST) -> Bounded:
    """How many ``rows`` there are, counted to ``most``."""
    return of(rows.order_by()[: most + 1].count(), most)


def bounded_at_once(*counted: "QuerySet[Any]", most: int = MOST) -> list[Bounded]:
    """The same of several, none of them ``none()``, in one query."""
    queries = [rows.order_by().values("pk")[: most + 1].query.sql_with_params() for rows in counted]
    counts = ", ".join(f"(SELECT count(*) FROM ({sql}) AS rows)" for sql, _ in queries)  # noqa: S608 (Django wrote it)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {counts}", [value for _, values in queries for value in values])
        numbers: tuple[int, ...] = cursor.fetchone()
    return [of(number, most) for number in numbers]


def of(number: int, most: int = MOST) -> Bounded:
    """What was counted to one more than ``most``."""
    return Bounded(min(number, most), number > most)
