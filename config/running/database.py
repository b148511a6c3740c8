"""Whether the Postgres that ``DATABASE_URL`` names can be used, and what another Concord left in it: whatever cannot
work is told in one sentence."""

from contextlib import closing
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader

OLDEST = 15
CONNECT_SECONDS = 10
_FACTS = """
    SELECT current_setting('server_encoding'), current_setting('transaction_read_only')::bool,
           quote_ident(current_database()), quote_ident(current_user), quote_ident(current_schema())
"""
_RIGHTS = """
    SELECT has_schema_privilege(current_schema(), 'CREATE'),
           has_database_privilege(current_database(), 'CREATE')
               OR EXISTS (SELECT FROM pg_namespace WHERE nspname = 'pgmq'),
           (SELECT quote_ident(pg_get_userbyid(relowner)) FROM pg_class
            WHERE oid = to_regclass('django_migrations') AND NOT pg_has_role(relowner, 'USAGE'))
"""


def check(*, migrating: bool) -> None:
    """Connect and look. Raises ImproperlyConfigured, which says what to set or to grant.

    ``migrating`` asks for the right to make tables too.
    """
    parameters = {"connect_timeout": CONNECT_SECONDS, **connection.get_connection_params()}
    try:
        database = psycopg.connect(**parameters)
    # UnicodeError: a host that is no name.
    except (psycopg.Error, UnicodeError) as error:
        raise _bad(
            f"no connection ({_reason(error)}); it must name a PostgreSQL from {OLDEST} on that runs, and a user, "
            "password and database that it has"
        ) from error
    with closing(database):
        _check_server(database)
        if migrating:
            _check_rights(database)


def refuse_of_another_version(using: str, **_: Any) -> None:
    """Before tables are changed (``pre_migrate``): whether only migrations that there are here have changed them.

    Raises CommandError, of a database that a newer Concord used, or one that was never released.
    """
    loader = MigrationLoader(connections[using])
    applied = {key for key in loader.applied_migrations if key[0] in loader.migrated_apps}
    unknown = sorted(applied - set(loader.disk_migrations))
    if unknown:
        raise CommandError(
            f"This database was last used by another version of Concord, which had {'.'.join(unknown[0])}. "
            "Start that version, or restore a backup that was made with this one (docs/operations.md)."
        )


def _check_server(database: "psycopg.Connection[tuple[object, ...]]") -> None:
    version = database.info.server_version // 10_000
    if version < OLDEST:
        raise _bad(f"the server is PostgreSQL {version}; it must be {OLDEST} or newer")
    encoding, read_only, name, *_ = _row(database, _FACTS)
    if encoding != "UTF8":
        raise _bad(f"the database {name} has the encoding {encoding}; it must be made with ENCODING 'UTF8'")
    if read_only:
        raise _bad(f"the database {name} takes no writes; it must be writable, and its server no standby")


def _check_rights(database: "psycopg.Connection[tuple[object, ...]]") -> None:
    _, _, name, role, schema = _row(database, _FACTS)
    may_make_tables, may_make_schemas, owner = _row(database, _RIGHTS)
    grants = []
    if not may_make_tables:
        grants.append(f"GRANT USAGE, CREATE ON SCHEMA {schema or 'public'} TO {role}")
    if not may_make_schemas:
        grants.append(f"GRANT CREATE ON DATABASE {name} TO {role}")
    if owner:
        grants.append(f"GRANT {owner} TO {role}")
    if grants:
        raise _bad(f"{role} may not make or change Concord's tables; an owner must run: {'; '.join(grants)}")


def _row(database: "psycopg.Connection[tuple[object, ...]]", query: str) -> tuple[object, ...]:
    row = database.execute(query).fetchone()
    assert row is not None
    return row


def _reason(error: Exception) -> str:
    """libpq's words on one line, without its advice to look whether the server runs."""
    return " ".join(str(error).split()).partition(" Is the server running")[0].rstrip(". ")


def _bad(what: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"DATABASE_URL: {what}.")
