import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


def keep_what_is_there(apps, schema_editor):
    """The guidelines of each project as they are now; older ones were not kept."""
    versions = apps.get_model('annotation', 'GuidelineVersion').objects
    for project in apps.get_model('annotation', 'Project').objects.iterator():
        versions.create(project=project, number=project.guideline_version, text=project.guidelines)


class Migration(migrations.Migration):

    dependencies = [
        ('annotation', '0005_columns_of_a_transfer'),
    ]

    operations = [
        migrations.AddField(
            model_name='annotator',
            name='guidelines_read',
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.CreateModel(
            name='GuidelineVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('text', models.TextField(blank=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('project', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='guideline_versions', to='annotation.project')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('project', 'number'), name='guideline_version_once', violation_error_message="A version of a project's guidelines has one text.")],
            },
        ),
        migrations.RunPython(keep_what_is_there, migrations.RunPython.noop),
    ]
