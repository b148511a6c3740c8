from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('runs', '0002_install_pgmq'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='run',
            name='doing_since',
        ),
        migrations.AddField(
            model_name='run',
            name='expected_end',
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
