"""What a migration does with rows that were there before it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import StateApps

NAME = "concord_migrations"


@pytest.fixture
def own_database(django_db_blocker: Any) -> Iterator[Any]:
    """An empty database on the same server in the place of the tests' own; deleted at the end."""
    connection = connections["default"]
    tests_own = connection.settings_dict["NAME"]
    with django_db_blocker.unblock():
        connection.close()
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
            cursor.execute(f"CREATE DATABASE {NAME}")
        connection.settings_dict["NAME"] = NAME
        try:
            yield connection
        finally:
            connection.close()
            connection.settings_dict["NAME"] = tests_own
            with connection._nodb_cursor() as cursor:
                cursor.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


def migrated(connection: Any, targets: list[tuple[str, str]]) -> StateApps:
    """The models as they are at ``targets``, once the database is there."""
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    executor.loader.build_graph()
    return executor.loader.project_state(targets).apps


def test_accounts_that_differ_in_capitals_alone_are_named_by_the_migration_that_forbids_them(
    own_database: Any,
) -> None:
    old = migrated(own_database, [("auth", "0012_alter_user_first_name_max_length")])
    for name in ("Alice", "alice", "bob"):
        old.get_model("auth.User").objects.create(username=name, password="!")
    executor = MigrationExecutor(own_database)
    with pytest.raises(CommandError, match="these do: Alice, alice"):
        executor.migrate(executor.loader.graph.leaf_nodes())
