from django.contrib.postgres.indexes import GinIndex
from django.db import migrations

from annotation.models import words

# Messages beyond what is searched are cut off, as words.SEARCHED says.
FUNCTION = """
    CREATE FUNCTION annotation_message_words(messages jsonb) RETURNS tsvector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN to_tsvector('simple'::regconfig, (
        SELECT left(coalesce(string_agg(message ->> 'content', chr(10)), ''), 50000)
        FROM jsonb_array_elements(messages) message
    ));
"""


class Migration(migrations.Migration):

    dependencies = [
        ('annotation', '0007_active_choice'),
    ]

    operations = [
        migrations.RunSQL(FUNCTION, 'DROP FUNCTION annotation_message_words'),
        migrations.AddIndex(
            model_name='completion',
            index=GinIndex(words.of_text('text'), name='completion_words'),
        ),
        migrations.AddIndex(
            model_name='prompt',
            index=GinIndex(words.MessageWords('messages'), name='prompt_words'),
        ),
    ]
