"""No two accounts whose names differ in capitals alone: log-in takes a name in any."""

from django.core.management.base import CommandError
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

_SAME = """
    SELECT string_agg(username, ', ' ORDER BY id) FROM auth_user GROUP BY lower(username) HAVING count(*) > 1
    ORDER BY min(id) LIMIT 20
"""


def refuse_the_same(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Whose work is whose is not for a migration to decide. Raises CommandError, which names the accounts."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(_SAME)
        same = "; ".join(row[0] for row in cursor.fetchall())
    if same:
        raise CommandError(
            f"Names of accounts may not differ in capitals alone, and these do: {same}. Go back to the release before, "
            "rename or delete all but one of each (in the admin, under Users), and start this one again."
        )


class Migration(migrations.Migration):
    dependencies = [
        ("annotation", "0010_fewer_indexes"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.RunPython(refuse_the_same, migrations.RunPython.noop),
        migrations.RunSQL(
            "CREATE UNIQUE INDEX account_name_once ON auth_user (lower(username))",
            "DROP INDEX account_name_once",
        ),
    ]
