from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('annotation', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='project',
            name='split_by',
            field=models.CharField(choices=[('opening', 'first user turn'), ('prompt', 'whole prompt')], db_default='opening', default='opening', editable=False, help_text='What decides which split a prompt is in (annotation.files.splitting).', max_length=7),
        ),
    ]
