from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ('runs', '0006_computed_on'),
    ]

    operations = [
        migrations.RenameField(model_name='question', old_name='asked', new_name='request'),
    ]
