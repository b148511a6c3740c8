"""The queue of messages to other servers, as the others were made (0002)."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

QUEUE = "webhooks"
NOTIFY_EVERY_MS = 50


def create(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Make it, and let a message wake whoever waits for one."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT pgmq.create(%s)", [QUEUE])
        cursor.execute("SELECT pgmq.enable_notify_insert(%s, %s)", [QUEUE, NOTIFY_EVERY_MS])


class Migration(migrations.Migration):
    dependencies = [("runs", "0003_cancelled_and_stored")]

    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
