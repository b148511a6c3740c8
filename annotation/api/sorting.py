"""A list sorted by something else than its ids, a page at a time: each begins behind a row, or ends before it.

Where an index has the order any number of rows can be sorted so. By anything else only SORTED are, anew for every
page: an index for each of these orders would slow down every ranking, for lists that are rarely asked for.
"""

from datetime import datetime
from typing import Any, NamedTuple

from django.core import signing
from django.db.models import Q, QuerySet
from rest_framework.exceptions import NotFound, ValidationError

Rows = QuerySet[Any]
ORDER = "order"
# Sorted by something that no index has in order are so many rows, and no more.
SORTED = 10_000
# By what a row is sorted, in its query.
VALUE = "sorted_by_value"
_SALT = "annotation.api.sorting"


class Order(NamedTuple):
    """What rows can be sorted by, in ``words`` and as an ordered expression. Of equals the newest comes first.

    ``indexed`` names the column, nowhere null, where an index has it in order: any number of rows can be sorted so.
    """

    words: str
    by: Any
    indexed: str = ""


class Page(NamedTuple):
    """Some rows, and the cursors of the pages beside them, where there are any."""

    rows: list[Any]
    next: str | None
    previous: str | None


class _Cursor(NamedTuple):
    """The row behind or before which a page lies: its id, and what it is sorted by where an index has that."""

    back: bool
    pk: int
    value: Any


def page(rows: Rows, *, order: Order, size: int, cursor: str | None, of: str) -> Page:
    """The page of ``rows`` that ``cursor`` stands for, or the first. ``of`` says of which list its cursors are.

    Raises ValidationError where there are too many rows to sort, NotFound for a cursor that no page of it gave.
    """
    place = _read(cursor, of)
    plain = rows.prefetch_related(None)
    if not order.indexed:
        ids = list(plain.order_by().values_list("pk", flat=True)[: SORTED + 1])
        if len(ids) > SORTED:
            raise ValidationError({ORDER: [f"At most {SORTED:,} rows are sorted so: narrow the list down."]})
        plain = rows.model.objects.filter(pk__among=ids)
    in_order = plain.annotate(**{VALUE: order.by.expression}).order_by(order.by, "-pk")
    back = place is not None and place.back
    if place is not None:
        if not order.indexed:
            place = _as_it_is_now(rows, order, place)
        in_order = in_order.filter(_beyond(order, place))
    if back:
        in_order = in_order.reverse()
    on_page = list(in_order.values_list("pk", VALUE)[: size + 1])
    more, on_page = len(on_page) > size, on_page[:size]
    if back:
        on_page.reverse()
    by_id = {row.pk: row for row in rows.filter(pk__in=[pk for pk, _ in on_page])}
    before, behind = (more, True) if back else (place is not None, more)
    return Page(
        [by_id[pk] for pk, _ in on_page if pk in by_id],
        _cursor(of, order, on_page[-1], back=False) if on_page and behind else None,
        _cursor(of, order, on_page[0], back=True) if on_page and before else None,
    )


def _as_it_is_now(rows: Rows, order: Order, place: _Cursor) -> _Cursor:
    """By what the row is sorted now, though the filters may leave it out by now. Raises NotFound where it is gone."""
    row = rows.model.objects.filter(pk=place.pk).annotate(**{VALUE: order.by.expression})
    values = list(row.values_list(VALUE, flat=True))
    if not values:
        raise NotFound("The row at which this page begins is gone: begin with the first page.")
    return place._replace(value=values[0])


def _beyond(order: Order, place: _Cursor) -> Q:
    """The rows on the other side of the place; what is unknown comes last."""
    further = "lt" if order.by.descending != place.back else "gt"
    alike = {"pk__gt" if place.back else "pk__lt": place.pk}
    if place.value is None:
        unknown = Q(**{f"{VALUE}__isnull": True}, **alike)
        return unknown | Q(**{f"{VALUE}__isnull": False}) if place.back else unknown
    beyond = Q(**{f"{VALUE}__{further}": place.value}) | Q(**{VALUE: place.value}, **alike)
    if order.indexed:
        # It follows from the first condition, which is no range of the index.
        return beyond & Q(**{f"{VALUE}__{further}e": place.value})
    return beyond if place.back else beyond | Q(**{f"{VALUE}__isnull": True})


def _cursor(of: str, order: Order, row: tuple[int, Any], *, back: bool) -> str:
    """Signed: whoever wrote one could ask where any row stands. It holds no text of anybody."""
    pk, value = row
    if isinstance(value, datetime):
        value = value.isoformat()
    return signing.dumps([of, back, pk, value if order.indexed else None], salt=_SALT)


def _read(cursor: str | None, of: str) -> _Cursor | None:
    if cursor is None:
        return None
    try:
        list_of, *place = signing.loads(cursor, salt=_SALT)
    except signing.BadSignature as error:
        raise NotFound("Invalid cursor") from error
    if list_of != of:
        raise NotFound("Invalid cursor")
    return _Cursor(*place)
