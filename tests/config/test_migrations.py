"""What a migration does with rows that were there before it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import StateApps
from django.utils import timezone

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


@pytest.mark.long
def test_a_database_of_another_version_is_told_before_anything_is_changed(own_database: Any) -> None:
    call_command("migrate", "runs", "0001", verbosity=0)
    MigrationRecorder(own_database).record_applied("runs", "0099_of_tomorrow")
    with pytest.raises(
        CommandError, match=r"another version of Concord, which had runs\.0099_of_tomorrow\. Start that"
    ):
        call_command("migrate", verbosity=0)
    assert "annotation_project" not in own_database.introspection.table_names()
    MigrationRecorder(own_database).record_unapplied("runs", "0099_of_tomorrow")
    MigrationRecorder(own_database).record_applied(
        "of_others", "0001_initial"
    )  # an app that is gone says nothing
    call_command("migrate", verbosity=0)
    assert "annotation_project" in own_database.introspection.table_names()


@pytest.mark.long
def test_tokens_that_never_expired_live_for_a_year_from_their_migration(own_database: Any) -> None:
    old = migrated(own_database, [("annotation", "0004_events_of_projects_and_versions")])
    account = old.get_model("auth.User").objects.create(username="carol", password="!")
    for_ever = old.get_model("annotation.ApiToken").objects.create(
        user=account, name="for ever", digest="0" * 64, scopes=["read"], expires_at=None
    )
    new = migrated(own_database, [("annotation", "0005_tokens_expire")])
    expires_at = new.get_model("annotation.ApiToken").objects.get(pk=for_ever.pk).expires_at
    assert 364.9 < (expires_at - timezone.now()).total_seconds() / 86_400 <= 365
