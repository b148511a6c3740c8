"""Celery's broker lives in this database: the tables and functions of pgmq, as SQL, without an extension."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

# The queues that config.celery sends to; a channel leaves queues alone that exist (config.broker).
QUEUES = ("cpu", "gpu", "quick", "webhooks")
NOTIFY_EVERY_MS = 50


def install(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Run the package's script, unless the schema is there (a server that has the extension)."""
    from pgmq.install import get_embedded_install_sql

    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'pgmq'")
        if cursor.fetchone() is None:
            cursor.connection.execute(get_embedded_install_sql())
        for queue in QUEUES:
            cursor.execute("SELECT pgmq.create(%s)", [queue])
            cursor.execute("SELECT pgmq.enable_notify_insert(%s, %s)", [queue, NOTIFY_EVERY_MS])


class Migration(migrations.Migration):
    dependencies = [("runs", "0001_initial")]

    operations = [migrations.RunPython(install, migrations.RunPython.noop)]
