"""Texts by their words, as quick for rare words as for frequent ones, and for rare meetings of frequent ones."""

from typing import Any

from django.db import connection

# So many are fetched by the index of words and then sorted. Where there are more, the newest are soon met one by one.
FEW = 10_000


def narrowed(rows: Any, sought: str) -> Any:
    """The ``rows`` that say so. Inside a transaction: the planner is told which way to go, because it cannot know how
    often two words stand in one text."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        ids = _few(rows.model.objects.order_by(), sought)
        cursor.execute("SET LOCAL enable_seqscan = on")
    return rows.saying(sought) if ids is None else rows.filter(pk__among=ids)


def _few(all_rows: Any, sought: str) -> list[int] | None:
    """The ids of all that say so, by the indexes; None where one of them finds many, or what it finds has many rows."""
    rows_by_index = set[int]()
    for path, query in all_rows.saying_by_index(sought).items():
        ids = list(query[: FEW + 1])
        if path != "pk" and len(ids) <= FEW:
            ids = list(all_rows.filter(**{f"{path}__among": ids}).values_list("pk", flat=True)[: FEW + 1])
        if len(ids) > FEW:
            return None
        rows_by_index.update(ids)
    return list(rows_by_index)
