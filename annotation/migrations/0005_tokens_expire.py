"""Every token expires: those that never did live for a year from now. One may administer, by a scope of its own."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("annotation", "0004_events_of_projects_and_versions"),
    ]

    operations = [
        migrations.RunSQL(
            "UPDATE annotation_apitoken SET expires_at = now() + interval '365 days' WHERE expires_at IS NULL",
            migrations.RunSQL.noop,
        ),
        migrations.AlterField(
            model_name="apitoken",
            name="expires_at",
            field=models.DateTimeField(),
        ),
        migrations.AlterField(
            model_name="apitoken",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("read", "read: look at projects, data, runs and versions, and export"),
                        ("annotate", "annotate: take tasks and judge them, as the account's annotator"),
                        (
                            "write",
                            "write: change settings, bring in prompts, tasks and files, and control quality",
                        ),
                        ("runs", "runs: start and cancel runs, and activate versions"),
                        (
                            "administer",
                            "administer: make projects, decide who is in one, take data back, manage webhooks",
                        ),
                    ],
                    max_length=10,
                ),
                size=None,
            ),
        ),
    ]
