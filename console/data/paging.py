"""A page of a list, by the ids at its ends: as quick at the end as at the start, nothing twice and nothing left out."""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.http import QueryDict
from psycopg.errors import QueryCanceled

from console.counting import Bounded, bounded

Rows = QuerySet[Any]
A_PAGE = 50
# What takes longer is given up: whoever asked is told to narrow it down.
PATIENCE_MS = 5000
_LARGEST = 2**63 - 1


class Lines(NamedTuple):
    """One page, newest first. ``newer`` and ``older`` are the addresses of its neighbours, or empty."""

    rows: list[Any]
    number: Bounded
    newer: str = ""
    older: str = ""
    gave_up: bool = False


def lines_of(narrow: Callable[[], Rows], shown: Callable[[Rows], Rows], asked: QueryDict) -> Lines:
    """The page that ``before`` or ``after`` in the address asks for, as ``shown``; rows are counted to a bound."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(PATIENCE_MS)])
            rows = narrow()
            return _page(rows, shown(rows), asked)
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            return Lines([], Bounded(0), gave_up=True)
        raise


def _page(rows: Rows, shown: Rows, asked: QueryDict) -> Lines:
    before, after = _id(asked.get("before")), _id(asked.get("after"))
    if before is None and after is not None:
        found = list(shown.filter(pk__gt=after).order_by("pk")[: A_PAGE + 1])
        more_newer, more_older = len(found) > A_PAGE, True
        found = found[:A_PAGE][::-1]
    else:
        narrowed = shown if before is None else shown.filter(pk__lt=before)
        found = list(narrowed.order_by("-pk")[: A_PAGE + 1])
        more_newer, more_older = before is not None, len(found) > A_PAGE
        found = found[:A_PAGE]
    if not found:
        # Past an end the newest are offered.
        return Lines([], bounded(rows), newer="" if before is after is None else address(asked))
    return Lines(
        found,
        bounded(rows),
        newer=address(asked, after=found[0].pk) if more_newer else "",
        older=address(asked, before=found[-1].pk) if more_older else "",
    )


def _id(text: str | None) -> int | None:
    """An id of the address; None where there is none, or none that could be."""
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > len(str(_LARGEST)):
        return None
    return min(int(text), _LARGEST)


def address(asked: QueryDict, **changes: Any) -> str:
    """The same view from another end; a change to None takes a parameter away."""
    query = asked.copy()
    for name in ("before", "after", *changes):
        query.pop(name, None)
    query.update({name: str(value) for name, value in changes.items() if value is not None})
    return f"?{query.urlencode()}"
