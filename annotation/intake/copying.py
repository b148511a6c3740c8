"""Many rows at once, by Postgres' COPY.

Ids come from the table's sequence first, so rows that point at each other are written without reading any back.
"""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import Model
from psycopg.types.json import Jsonb

__all__ = ["Jsonb", "copy_rows", "restored_ids", "take_ids"]

# The advisory lock of whoever gives public ids back; any number that is nobody else's.
_RESTORING = 0x7265_7374_6F72_65


def take_ids(model: type[Model], count: int) -> list[int]:
    """``count`` fresh ids of the model's table, rising."""
    if not count:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [model._meta.db_table, count],
        )
        return sorted(row[0] for row in cursor.fetchall())


def copy_rows(model: type[Model], fields: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write ``rows``, each a value a field (``id`` included). Fields left out get the database's own default."""
    quote = connection.ops.quote_name
    whole = list(rows)  # a query asked for by a row would wait for the COPY that waits for the row
    columns = ", ".join(quote(str(model._meta.get_field(name).column)) for name in fields)  # type: ignore[union-attr]
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {quote(model._meta.db_table)} ({columns}) FROM STDIN") as copy,
    ):
        for row in whole:
            copy.write_row(row)


def restored_ids(model: type[Model], wanted: Sequence[str | None]) -> list[str]:
    """A public id a row: the one an export gave it where it is free in this database, else a new one.

    Holds a lock to the end of the transaction: imports into two projects at once would both find an id free.
    """
    given = {identifier for identifier in wanted if identifier}
    taken: set[str] = set()
    if given:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_RESTORING])
        rows = model._default_manager.filter(public_id__in=given).values_list("public_id", flat=True)
        taken = {str(identifier) for identifier in rows}
    answer = []
    for identifier in wanted:
        free = identifier is not None and identifier not in taken
        answer.append(identifier if identifier is not None and free else str(uuid.uuid4()))
        taken.add(answer[-1])
    return answer
