"""Counts that a page shows at once, whatever a project holds: exact where there are few, and else at least so many."""

from typing import Any, NamedTuple

from django.db.models import QuerySet

# Counted within some milliseconds.
MOST = 10_000


class Bounded(NamedTuple):
    """``number`` things, or more than that where there are ``more``."""

    number: int
    more: bool = False

    def __str__(self) -> str:
        return f"{self.number:,}{'+' if self.more else ''}"

    def __bool__(self) -> bool:
        return self.number > 0


def bounded(rows: "QuerySet[Any]", most: int = MOST) -> Bounded:
    """How many ``rows`` there are, counted to ``most``."""
    return of(rows.order_by()[: most + 1].count(), most)


def of(number: int, most: int = MOST) -> Bounded:
    """What was counted to one more than ``most``."""
    return Bounded(min(number, most), number > most)
