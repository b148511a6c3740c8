"""What a look at a page or a list has written, as Postgres itself counts it."""

from django.db import connection


def rows_written() -> set[tuple[str, int]]:
    """Each table with how many rows of it this transaction has inserted, changed or deleted by now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables")
        return {(name, number) for name, number in cursor.fetchall() if number}


def rows_read(table: str) -> int:
    """How many rows of ``table`` this transaction has read by now, wanted or not."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables WHERE relname = %s",
            [table],
        )
        (number,) = cursor.fetchone()
    return int(number)
