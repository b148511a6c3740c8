"""How the tests' database is emptied between tests that commit.

Django truncates every table, which makes each table and index a new file: a fifth of a second, for a few rows. Deleting
them takes a twentieth of that. Tables that have grown, with rows that nobody sees any more too, are truncated as
before, so that a test of what Postgres plans finds them small. What Django writes after a migration (content types and
permissions) stays: nothing of a test is in it, and to write it anew takes longer than all the rest.

Then Django opens the connection anew, and a new one has everything to learn again of the tables that it reads. Here it
stays, and forgets what a test may have set.
"""

from django.db import connection, connections
from django.test import TransactionTestCase

_LARGE = 256 * 1024
_OF_MIGRATIONS = {"django_content_type", "auth_permission"}
_empty_as_django = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]


def delete_rows_instead_of_truncating() -> None:
    """For as long as this process lives."""
    TransactionTestCase._fixture_teardown = _empty  # type: ignore[attr-defined]
    TransactionTestCase._should_reload_connections = _forget_settings  # type: ignore[attr-defined]


def _empty(test_case: TransactionTestCase) -> None:
    """In any order of the tables: foreign keys are not looked at, which only a superuser may ask for."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_relation_size(oid) > %s, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)"
            " FROM pg_class WHERE relname = ANY(%s) AND relnamespace = current_schema()::regnamespace"
            " AND pg_relation_size(oid) > 0",
            [_LARGE, list(set(connection.introspection.django_table_names()) - _OF_MIGRATIONS)],
        )
        rows = cursor.fetchall()
    if not all(may for _, _, may in rows):
        _empty_as_django(test_case)
        return
    large = [connection.ops.quote_name(name) for name, is_large, _ in rows if is_large]
    small = [connection.ops.quote_name(name) for name, is_large, _ in rows if not is_large]
    statements = [
        "SET LOCAL session_replication_role = replica",
        *([f"TRUNCATE {', '.join(large)} CASCADE"] if large else []),
        *(f"DELETE FROM {name}" for name in small),
    ]
    connection.ops.execute_sql_flush(["; ".join(statements)])


def _forget_settings(test_case: TransactionTestCase) -> bool:
    """Whether connections are opened anew: never. Each is as a new one, with settings, locks and plans of none."""
    for one in connections.all(initialized_only=True):
        if one.connection is not None:
            with one.cursor() as cursor:
                cursor.execute("DISCARD ALL")
            one.init_connection_state()
    return False
