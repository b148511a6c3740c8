import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('annotation', '0008_words_of_texts'),
    ]

    operations = [
        migrations.AddField(
            model_name='project',
            name='revise_hours',
            field=models.PositiveIntegerField(db_default=24, default=24, help_text='How long annotators may change what they submitted, in hours; 0: never.', validators=[django.core.validators.MaxValueValidator(87600)]),
        ),
    ]
