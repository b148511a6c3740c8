from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('annotation', '0004_own_annotators'),
    ]

    operations = [
        migrations.AddField(
            model_name='transfer',
            name='columns',
            field=models.JSONField(blank=True, help_text='Set where the file is of another tool: which of its columns is which of ours, where it was said', null=True),
        ),
    ]
