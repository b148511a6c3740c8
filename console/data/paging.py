"""A page of a list, by the ids at its ends: as quick at the end as at the start, nothing twice and nothing left out.

By time, an index has the rows of millions in order, and by the rewards of a version another. By anything else only as
many are sorted as can be anew for every page (annotation.api.sorting says why).
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from django.db.models import F, Q, QuerySet
from django.http import QueryDict

from annotation.api.paging import OLDEST
from annotation.api.sorting import ORDER, SORTED, Order
from annotation.counting import Bounded, bounded
from annotation.errors import TookTooLong
from annotation.patience import patiently

Rows = QuerySet[Any]
A_PAGE = 50
# Where a page stands: before or after an id, by time; of a sorted list from an id on.
BEFORE, AFTER, FROM = "before", "after", "from"
# So many rows of a list are counted, and no more.
COUNTED = 1000
_LARGEST = 2**63 - 1


class Neighbour(NamedTuple):
    """A page beside this one; ``rel`` is prev or next."""

    words: str
    address: str
    rel: str


class Lines(NamedTuple):
    """One page, with those beside it as they are read. ``ended`` says of what there is no more, on a page past an end.

    ``too_many``: more than SORTED rows, which therefore come by time and not in the order that was asked for.
    """

    rows: list[Any]
    number: Bounded
    neighbours: Sequence[Neighbour] = ()
    ended: str = ""
    gave_up: bool = False
    too_many: bool = False


def lines_of(
    narrow: Callable[[], Rows], shown: Callable[[Rows], Rows], query: QueryDict, order: Order | None = None
) -> Lines:
    """The page that the address asks for, as ``shown``; rows are counted to a bound, and sorted to another."""
    try:
        with patiently():
            rows = narrow()
            if order is None:
                return _by_time(rows, shown, query)
            if order.indexed:
                return _by_index(rows, shown, query, order)
            ids = list(rows.order_by().values_list("pk", flat=True)[: SORTED + 1])
            if len(ids) > SORTED:
                return _by_time(rows, shown, query)._replace(too_many=True)
            return _sorted(rows.model.objects.filter(pk__among=ids), shown, query, order)
    except TookTooLong:
        return Lines([], Bounded(0), gave_up=True)


def _sorted(rows: Rows, shown: Callable[[Rows], Rows], query: QueryDict, order: Order) -> Lines:
    """From the row on that the address names, or from the start where the list does not hold it (any more)."""
    ids = list(rows.order_by(order.by, "-pk").values_list("pk", flat=True))
    first = id_in_address(query.get(FROM))
    start = ids.index(first) if first in ids else 0
    above, below = ids[max(0, start - A_PAGE) : start], ids[start : start + A_PAGE + 1]
    return _between(above, below, rows, shown, query)._replace(number=Bounded(len(ids)))


def _by_index(rows: Rows, shown: Callable[[Rows], Rows], query: QueryDict, order: Order) -> Lines:
    """The same, where an index finds the place of the row in the order: nothing is read but a page and what is above
    it."""
    column, first = order.indexed, id_in_address(query.get(FROM))
    in_order = rows.order_by(order.by, "-pk")
    value = None if first is None else rows.filter(pk=first).values_list(F(column), flat=True).first()
    above: list[int] = []
    if value is not None:
        nearer, further = ("gt", "lt") if order.by.descending else ("lt", "gt")
        # Each second condition follows from the first, which is no range of the index.
        before = Q(**{f"{column}__{nearer}": value}) | Q(**{column: value}, pk__gt=first)
        onwards = Q(**{f"{column}__{further}": value}) | Q(**{column: value}, pk__lte=first)
        nearest = in_order.filter(before, **{f"{column}__{nearer}e": value}).reverse()
        above = _ids(nearest)[:A_PAGE][::-1]
        in_order = in_order.filter(onwards, **{f"{column}__{further}e": value})
    lines = _between(above, _ids(in_order), rows, shown, query)
    return lines._replace(number=bounded(rows, COUNTED))


def _between(
    above: list[int], below: list[int], rows: Rows, shown: Callable[[Rows], Rows], query: QueryDict
) -> Lines:
    """The page that ``below`` begins with, and one id more where there are more; ``above`` is the page before."""
    on_page, neighbours = below[:A_PAGE], []
    if above:
        neighbours.append(Neighbour("Back", address(query, **{FROM: above[0]}), "prev"))
    if len(below) > A_PAGE:
        neighbours.append(Neighbour("Further", address(query, **{FROM: below[A_PAGE]}), "next"))
    by_id = {row.pk: row for row in shown(rows.filter(pk__in=on_page))}
    return Lines([by_id[pk] for pk in on_page if pk in by_id], Bounded(0), neighbours)


def _by_time(rows: Rows, shown: Callable[[Rows], Rows], query: QueryDict) -> Lines:
    """The ids first: where few rows of very many are meant, what a line shows is not put together for all of them."""
    before, after = id_in_address(query.get(BEFORE)), id_in_address(query.get(AFTER))
    oldest_first = query.get(ORDER) == OLDEST
    upwards = before is None and (after is not None or oldest_first)
    if upwards:
        ids = _ids((rows if after is None else rows.filter(pk__gt=after)).order_by("pk"))
        more_newer, more_older = len(ids) > A_PAGE, after is not None
    else:
        ids = _ids((rows if before is None else rows.filter(pk__lt=before)).order_by("-pk"))
        more_newer, more_older = before is not None, len(ids) > A_PAGE
    on_page = ids[:A_PAGE]
    newer, older, ended = "", "", ""
    if on_page:
        newer = address(query, **{AFTER: max(on_page)}) if more_newer else ""
        older = address(query, **{BEFORE: min(on_page)}) if more_older else ""
    elif more_newer or more_older:
        # Past an end the beginning is offered.
        ended = "Nothing is newer." if upwards else "Nothing is older."
        newer, older = ("", address(query)) if oldest_first else (address(query), "")
    beside = [("Newer", newer), ("Older", older)]
    neighbours = [
        Neighbour(words, where, rel)
        for (words, where), rel in zip(
            beside[::-1] if oldest_first else beside, ("prev", "next"), strict=True
        )
        if where
    ]
    lines = shown(rows.filter(pk__in=on_page)).order_by("pk" if oldest_first else "-pk") if on_page else []
    return Lines(list(lines), _number(rows, ids, query), neighbours, ended)


def _ids(rows: Rows) -> list[int]:
    """Of a page, and of one row more where there is one."""
    return list(rows.values_list("pk", flat=True)[: A_PAGE + 1])


def _number(rows: Rows, ids: list[int], query: QueryDict) -> Bounded:
    """How many there are on all pages; what is all on one page was counted with it."""
    alone = not {BEFORE, AFTER} & set(query) and len(ids) <= A_PAGE
    return Bounded(len(ids)) if alone else bounded(rows, COUNTED)


def id_in_address(text: str | None) -> int | None:
    """An id of the address; None where there is none, or none that could be."""
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > len(str(_LARGEST)):
        return None
    return min(int(text), _LARGEST)


def address(query: QueryDict, **changes: Any) -> str:
    """The same view from another end; a change to None takes a parameter away."""
    changed = query.copy()
    for name in (BEFORE, AFTER, FROM, *changes):
        changed.pop(name, None)
    changed.update({name: str(value) for name, value in changes.items() if value is not None})
    return f"?{changed.urlencode()}"
