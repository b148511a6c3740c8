"""Many rows at once, by Postgres' COPY.

Ids come from the table's sequence first, so rows that point at each other are written without reading any back.
"""

import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import orjson
from django.db import connection
from django.db.models import Model

# Two bits of the seventeenth digit are fixed.
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
# The advisory lock of whoever gives public ids back; any number that is nobody else's.
_RESTORING = 0x7265_7374_6F72_65


class _Behind:
    """What a thread is still to write of rows that are made, in their order, and ids that are taken ahead."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._writes: list[Future[None]] = []
        self._ids: dict[type[Model], list[int]] = defaultdict(list)
        self._taken = Counter[type[Model]]()

    def write(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Begin to write as soon as what came before is written."""
        before = self._writes[-1] if self._writes else None
        # Django keeps its own wrapper of the connection to one thread; nothing else is sent until it is done.
        self._writes.append(self._pool.submit(_write_after, before, connection.connection, statement, rows))

    def settle(self) -> None:
        """Wait until all is written. Raises what stopped it."""
        writes, self._writes = self._writes, []
        with connection.wrap_database_errors:
            for write in writes:
                write.result()

    def before_statement(self, execute: Callable[..., Any], *statement: Any) -> Any:
        """Every statement finds what was written before it."""
        self.settle()
        return execute(*statement)

    def take_ids(self, model: type[Model], count: int) -> list[int]:
        """From those that were taken ahead: as many again as there were so far, so that few statements wait for it."""
        ids = self._ids[model]
        if len(ids) < count:
            ids += _fresh_ids(model, max(count - len(ids), self._taken[model]))
        self._taken[model] += count
        self._ids[model] = ids[count:]
        return ids[:count]


_BEHIND: ContextVar[_Behind | None] = ContextVar("behind", default=None)


@contextmanager
def written_behind() -> Iterator[None]:
    """Rows are written in a thread while those after them are made; every other statement waits until they are.

    Inside a transaction. What Postgres refuses is raised by the next statement, or at the end.
    """
    with ThreadPoolExecutor(1, "write-behind") as pool:
        behind = _Behind(pool)
        token = _BEHIND.set(behind)
        try:
            with connection.execute_wrapper(behind.before_statement):
                yield
            behind.settle()
        finally:
            _BEHIND.reset(token)


def take_ids(model: type[Model], count: int) -> list[int]:
    """``count`` fresh ids of the model's table, rising."""
    behind = _BEHIND.get()
    return _fresh_ids(model, count) if behind is None else behind.take_ids(model, count)


def _fresh_ids(model: type[Model], count: int) -> list[int]:
    if not count:
        return []
    with connection.cursor() as cursor:
        # MATERIALIZED: Postgres would look the sequence's name up for every id.
        cursor.execute(
            """
            WITH table_of AS MATERIALIZED (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS ids)
            SELECT array_agg(nextval(table_of.ids)) FROM table_of, generate_series(1, %s)
            """,
            [model._meta.db_table, count],
        )
        return sorted(cursor.fetchone()[0])


def copy_rows(model: type[Model], fields: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write ``rows``, each a value a field. Fields left out, ``id`` too, get the database's own default."""
    quote = connection.ops.quote_name
    whole = list(rows)  # a query asked for by a row would wait for the COPY that waits for the row
    if not whole:
        return
    columns = ", ".join(quote(str(model._meta.get_field(name).column)) for name in fields)  # type: ignore[union-attr]
    statement = f"COPY {quote(model._meta.db_table)} ({columns}) FROM STDIN"
    behind = _BEHIND.get()
    if behind is None:
        with connection.wrap_database_errors:
            _write(connection.connection, statement, whole)
    else:
        behind.write(statement, whole)


def _write_after(
    before: Future[None] | None, raw: Any, statement: str, rows: Sequence[Sequence[Any]]
) -> None:
    """Nothing is written after what Postgres refused."""
    if before is None or before.exception() is None:
        _write(raw, statement, rows)


def _write(raw: Any, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    with raw.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def jsonb(value: Any) -> str:
    """A value of a jsonb column, as COPY takes it."""
    try:
        return orjson.dumps(value).decode() if value else ("{}" if isinstance(value, dict) else "[]")
    except TypeError:
        return json.dumps(value, ensure_ascii=False)  # a whole number beyond 64 bits


def restored_ids(model: type[Model], exported: Sequence[str | None]) -> list[str]:
    """A public id a row: the one an export gave it where it is free in this database, else a new one.

    Holds a lock to the end of the transaction: imports into two projects at once would both find an id free.
    """
    candidates = {identifier for identifier in exported if identifier}
    taken: set[str] = set()
    if candidates:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_RESTORING])
        rows = model._default_manager.filter(public_id__among=candidates).values_list("public_id", flat=True)
        taken = {str(identifier) for identifier in rows}
    answer = []
    for identifier, new in zip(exported, _random_ids(len(exported)), strict=True):
        if identifier is None or identifier in taken:
            answer.append(new)
        else:
            answer.append(identifier)
            taken.add(identifier)
    return answer


def _random_ids(count: int) -> list[str]:
    """UUIDs of version 4 (RFC 9562). All at once: one by one they are a tenth of an import."""
    digits = os.urandom(16 * count).hex()
    whole = (digits[start : start + 32] for start in range(0, 32 * count, 32))
    return [f"{one[:12]}4{one[13:16]}{_VARIANT[one[16]]}{one[17:]}" for one in whole]
