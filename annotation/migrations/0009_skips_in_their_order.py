from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("annotation", "0008_reviews_by_their_words"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="assignment",
            index=models.Index(
                condition=models.Q(("status", "skipped")),
                fields=["project", "closed_at", "id"],
                name="assignment_skipped",
            ),
        ),
    ]
