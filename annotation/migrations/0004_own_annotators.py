from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('annotation', '0003_revoked_at'),
    ]

    operations = [
        migrations.AddField(
            model_name='task',
            name='annotators',
            field=models.PositiveSmallIntegerField(blank=True, help_text='How many its line asked for; empty: as many as the project says', null=True),
        ),
    ]
