"""How the tests' database is emptied between tests that commit.

Django truncates every table, which makes each table and index a new file: a fifth of a second, for a few rows.
Deleting them takes a twentieth of that. Tables that have grown, with rows that nobody sees any more too, are truncated
as before, so that a test of what Postgres plans finds them small. What Django writes after a migration (content types
and permissions) stays: nothing of a test is in it, and to write it anew takes longer than all the rest.
"""

from collections.abc import Sequence

from django.contrib.contenttypes.models import ContentType
from django.core.management.color import Style
from django.core.management.commands import flush
from django.core.management.sql import emit_post_migrate_signal
from django.db.backends.postgresql.operations import DatabaseOperations

_LARGE = 256 * 1024
_OF_MIGRATIONS = {"django_content_type", "auth_permission"}
_truncate = DatabaseOperations.sql_flush


def delete_rows_instead_of_truncating() -> None:
    """For as long as this process lives."""
    DatabaseOperations.sql_flush = _statements  # type: ignore[method-assign,assignment]
    flush.emit_post_migrate_signal = _after_flush  # type: ignore[attr-defined]


def _after_flush(verbosity: int, interactive: bool, database: str) -> None:
    if not ContentType.objects.using(database).exists():
        emit_post_migrate_signal(verbosity, interactive, database)


def _statements(
    self: DatabaseOperations,
    style: Style,
    tables: Sequence[str],
    *,
    reset_sequences: bool = False,
    allow_cascade: bool = False,
) -> list[str]:
    """In any order of the tables: foreign keys are not looked at, which only a superuser may ask for."""
    with self.connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_relation_size(oid) > %s, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)"
            " FROM pg_class WHERE relname = ANY(%s) AND relnamespace = current_schema()::regnamespace"
            " AND pg_relation_size(oid) > 0",
            [_LARGE, list(set(tables) - _OF_MIGRATIONS)],
        )
        rows = cursor.fetchall()
    if not all(may for _, _, may in rows):
        return _truncate(self, style, tables, reset_sequences=reset_sequences, allow_cascade=allow_cascade)
    large = [self.quote_name(name) for name, is_large, _ in rows if is_large]
    small = [self.quote_name(name) for name, is_large, _ in rows if not is_large]
    truncated = [f"TRUNCATE {', '.join(large)} CASCADE"] if large else []
    statements = [
        "SET LOCAL session_replication_role = replica",
        *truncated,
        *(f"DELETE FROM {name}" for name in small),
    ]
    return ["; ".join(statements)]
