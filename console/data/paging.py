"""A page of a list, by the ids at its ends: as quick at the end as at the start, nothing twice and nothing left out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.http import QueryDict
from psycopg.errors import QueryCanceled

from console.counting import Bounded, bounded

Rows = QuerySet[Any]
A_PAGE = 50
# In which order rows come: the newest first, or this way round.
ORDER, OLDEST = "order", "oldest"
# So many rows of a list are counted, and no more.
COUNTED = 1000
# What takes longer is given up: whoever asked is told to narrow it down.
PATIENCE_MS = 5000
_LARGEST = 2**63 - 1


class Lines(NamedTuple):
    """One page. ``newer`` and ``older`` are the addresses of its neighbours, or empty."""

    rows: list[Any]
    number: Bounded
    newer: str = ""
    older: str = ""
    oldest_first: bool = False
    gave_up: bool = False


def lines_of(narrow: Callable[[], Rows], shown: Callable[[Rows], Rows], query: QueryDict) -> Lines:
    """The page that ``before`` or ``after`` in the address asks for, as ``shown``; rows are counted to a bound."""
    try:
        with patiently():
            return _page(narrow(), shown, query)
    except TookTooLong:
        return Lines([], Bounded(0), gave_up=True)


class TookTooLong(Exception):
    """What was to be found takes longer than anybody waits for."""


@contextmanager
def patiently() -> Iterator[None]:
    """In a transaction whose statements end after PATIENCE_MS. Raises TookTooLong."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(PATIENCE_MS)])
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TookTooLong from error
        raise


def _page(rows: Rows, shown: Callable[[Rows], Rows], query: QueryDict) -> Lines:
    """The ids first: where few rows of very many are meant, what a line shows is not put together for all of them."""
    before, after = id_in_address(query.get("before")), id_in_address(query.get("after"))
    oldest_first = query.get(ORDER) == OLDEST
    upwards = before is None and (after is not None or oldest_first)
    if upwards:
        ids = _ids((rows if after is None else rows.filter(pk__gt=after)).order_by("pk"))
        more_newer, more_older = len(ids) > A_PAGE, after is not None
    else:
        ids = _ids((rows if before is None else rows.filter(pk__lt=before)).order_by("-pk"))
        more_newer, more_older = before is not None, len(ids) > A_PAGE
    if not ids:
        # Past an end the beginning is offered.
        beginning = "" if before is after is None else address(query)
        newer, older = ("", beginning) if oldest_first else (beginning, "")
        return Lines([], _number(rows, ids, query), newer, older, oldest_first)
    on_page = ids[:A_PAGE]
    return Lines(
        list(shown(rows.filter(pk__in=on_page)).order_by("pk" if oldest_first else "-pk")),
        _number(rows, ids, query),
        newer=address(query, after=max(on_page)) if more_newer else "",
        older=address(query, before=min(on_page)) if more_older else "",
        oldest_first=oldest_first,
    )


def _ids(rows: Rows) -> list[int]:
    """Of a page, and of one row more where there is one."""
    return list(rows.values_list("pk", flat=True)[: A_PAGE + 1])


def _number(rows: Rows, ids: list[int], query: QueryDict) -> Bounded:
    """How many there are on all pages; what is all on one page was counted with it."""
    alone = not {"before", "after"} & set(query) and len(ids) <= A_PAGE
    return Bounded(len(ids)) if alone else bounded(rows, COUNTED)


def id_in_address(text: str | None) -> int | None:
    """An id of the address; None where there is none, or none that could be."""
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > len(str(_LARGEST)):
        return None
    return min(int(text), _LARGEST)


def address(query: QueryDict, **changes: Any) -> str:
    """The same view from another end; a change to None takes a parameter away."""
    changed = query.copy()
    for name in ("before", "after", *changes):
        changed.pop(name, None)
    changed.update({name: str(value) for name, value in changes.items() if value is not None})
    return f"?{changed.urlencode()}"
