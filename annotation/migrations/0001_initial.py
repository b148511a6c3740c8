"""The tables of annotation, and no two accounts whose names differ in capitals alone: log-in takes a name in any."""

import annotation.models.words
import annotation.preferences.axes
import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.math
import django.db.models.functions.text
import uuid
from django.conf import settings
from django.core.management.base import CommandError
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

# Messages beyond what is searched are cut off, as words.SEARCHED says.
_WORDS = """
    CREATE FUNCTION annotation_message_words(messages jsonb) RETURNS tsvector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN to_tsvector('simple'::regconfig, (
        SELECT left(coalesce(string_agg(message ->> 'content', chr(10)), ''), 50000)
        FROM jsonb_array_elements(messages) message
    ));
"""
_SAME = """
    SELECT string_agg(username, ', ' ORDER BY id) FROM auth_user GROUP BY lower(username) HAVING count(*) > 1
    ORDER BY min(id) LIMIT 20
"""


def refuse_the_same(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Whose work is whose is not for a migration to decide. Raises CommandError, which names the accounts."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(_SAME)
        same = "; ".join(row[0] for row in cursor.fetchall())
    if same:
        raise CommandError(
            f"Names of accounts may not differ in capitals alone, and these do: {same}. In the database "
            "(table auth_user), rename or delete all but one of each, and start again."
        )


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('auth', '__first__'),
        ('runs', '0001_initial'),
    ]

    operations = [
        migrations.RunPython(refuse_the_same, migrations.RunPython.noop),
        migrations.RunSQL(_WORDS, 'DROP FUNCTION annotation_message_words'),
        migrations.CreateModel(
            name='RequestRate',
            fields=[
                ('caller', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('due_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Project',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.SlugField(max_length=60, unique=True)),
                ('name', models.CharField(max_length=120)),
                ('guidelines', models.TextField(blank=True, help_text='What makes one completion better than another. Markdown.')),
                ('guideline_version', models.PositiveIntegerField(default=1, editable=False)),
                ('completions_per_task', models.PositiveSmallIntegerField(default=4, validators=[django.core.validators.MinValueValidator(2), django.core.validators.MaxValueValidator(9)])),
                ('annotators_per_task', models.PositiveSmallIntegerField(default=1, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(50)])),
                ('lease_seconds', models.PositiveIntegerField(default=1800, help_text='How long a task stays with an annotator who does nothing, in seconds.', validators=[django.core.validators.MinValueValidator(60)])),
                ('revise_hours', models.PositiveIntegerField(db_default=24, default=24, help_text='How long annotators may change what they submitted, in hours; 0: never.', validators=[django.core.validators.MaxValueValidator(87600)])),
                ('hour_cost', models.DecimalField(db_default=0, decimal_places=2, default=0, help_text='Of an hour of active time.', max_digits=9, validators=[django.core.validators.MinValueValidator(0)])),
                ('currency', models.CharField(db_default='USD', default='USD', max_length=3, validators=[django.core.validators.RegexValidator('^[A-Z]{3}$', 'A currency is three letters, as USD or EUR.')])),
                ('rating_axes', models.JSONField(default=annotation.preferences.axes.default_axes, help_text='The scales of a rating, in the form of preferences.axes.Axis.')),
                ('ask_strength', models.BooleanField(default=False, help_text='Of two completions, ask how much better one is than the other.')),
                ('review_demonstrations', models.BooleanField(default=False, help_text='A demonstration counts when a second person has accepted it.')),
                ('demonstration_least_characters', models.PositiveIntegerField(default=1)),
                ('split_by', models.CharField(choices=[('opening', 'first user turn'), ('prompt', 'whole prompt')], db_default='opening', default='opening', editable=False, help_text='What decides which split a prompt is in (annotation.files.splitting).', max_length=7)),
                ('random_share', models.FloatField(db_default=0.0, default=0.0, help_text='Share of tasks, 0 to 1, that are drawn at random instead of by priority, to evaluate on.', validators=[django.core.validators.MinValueValidator(0.0), django.core.validators.MaxValueValidator(1.0)])),
                ('queue_version', models.PositiveBigIntegerField(db_default=0, default=0, editable=False)),
                ('gold_every', models.PositiveSmallIntegerField(default=0, help_text='One task in so many is a gold task, drawn at random. 0: none.')),
                ('repeat_every', models.PositiveSmallIntegerField(default=0, help_text='One task in so many is asked of the same person again, after at least so many others. 0: none.')),
                ('least_checks', models.PositiveSmallIntegerField(default=5, help_text='How many gold tasks, or repeats, a figure needs before anybody is warned.', validators=[django.core.validators.MinValueValidator(1)])),
                ('least_gold_score', models.FloatField(blank=True, help_text="Warn below this mean score on gold tasks: 1 is the expert's order, 0.5 is chance. Empty: never.", null=True, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1)])),
                ('least_consistency', models.FloatField(blank=True, help_text='Warn below this mean agreement with oneself on repeats: 1 is the same order, 0.5 is chance.', null=True, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1)])),
                ('most_position_bias', models.FloatField(blank=True, help_text='Warn where the 95% interval of how often the earlier shown wins lies wholly this far from 0.5.', null=True, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(0.5)])),
                ('pauses', models.BooleanField(default=False, help_text='Whoever is still below after a warning is paused until a researcher resumes them.')),
                ('adjudicate_below', models.FloatField(blank=True, help_text='Tasks whose annotators agree on less than this share of pairs are listed. Empty: none.', null=True, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1)])),
                ('adjudicated_wins', models.BooleanField(default=False, help_text="Snapshots hold a researcher's decision instead of the annotators' rankings of that task.")),
                ('is_demo', models.BooleanField(default=False, editable=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
            ],
            options={
                'ordering': ['slug'],
                'constraints': [models.CheckConstraint(condition=models.Q(('completions_per_task__gte', 2), ('completions_per_task__lte', 9)), name='project_ranks_2_to_9', violation_error_message='A task ranks 2 to 9 completions.'), models.CheckConstraint(condition=models.Q(('annotators_per_task__gte', 1)), name='project_someone_annotates', violation_error_message='A task needs at least one annotator.'), models.CheckConstraint(condition=models.Q(('random_share__gte', 0), ('random_share__lte', 1)), name='project_random_share_is_a_share', violation_error_message='The share drawn at random lies between 0 and 1.')],
            },
        ),
        migrations.CreateModel(
            name='Annotator',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('pseudonym', models.CharField(max_length=200)),
                ('simulated', models.BooleanField(default=False)),
                ('anonymous', models.BooleanField(default=False)),
                ('standing', models.CharField(choices=[('fine', 'fine'), ('warned', 'warned'), ('paused', 'paused')], default='fine', max_length=6)),
                ('guidelines_read', models.PositiveIntegerField(db_default=0, default=0, editable=False)),
                ('withdrawn_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='annotators', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='annotators', to='annotation.project')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('project', 'pseudonym'), name='annotator_pseudonym_once', violation_error_message='A pseudonym names one annotator of a project.'), models.UniqueConstraint(condition=models.Q(('user__isnull', False)), fields=('project', 'user'), name='annotator_account_once', violation_error_message='An account is one annotator of a project.'), models.CheckConstraint(condition=models.Q(('simulated', False), ('user__isnull', True), _connector='OR'), name='annotator_simulated_has_no_account', violation_error_message='A simulated annotator has no account.'), models.CheckConstraint(condition=models.Q(('withdrawn_at__isnull', True), ('user__isnull', True), _connector='OR'), name='annotator_withdrawn_has_no_account', violation_error_message='A withdrawn annotator has no account.')],
            },
        ),
        migrations.CreateModel(
            name='Bookmark',
            fields=[
                ('annotator', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='bookmark', serialize=False, to='annotation.annotator')),
                ('priority', models.BigIntegerField()),
                ('task_number', models.BigIntegerField()),
                ('queue_version', models.PositiveBigIntegerField()),
                ('made_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('token_digest', models.CharField(max_length=64, unique=True)),
                ('email', models.EmailField(max_length=254)),
                ('role', models.CharField(choices=[('annotator', 'annotator'), ('researcher', 'researcher')], max_length=10)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('expires_at', models.DateTimeField()),
                ('accepted_at', models.DateTimeField(blank=True, null=True)),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='invitations', to='annotation.project')),
            ],
        ),
        migrations.CreateModel(
            name='DatasetExport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('license', models.CharField(default='other', max_length=100)),
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='dataset_export', to='runs.run')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='dataset_exports', to='annotation.project')),
            ],
        ),
        migrations.CreateModel(
            name='Prompt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('form', models.CharField(choices=[('text', 'text'), ('chat', 'chat')], max_length=4)),
                ('messages', models.JSONField()),
                ('digest', models.CharField(help_text='sha256 of the form and the messages', max_length=64)),
                ('opening', models.CharField(blank=True, editable=False, help_text="sha256 of the first user turn's text", max_length=64)),
                ('split', models.CharField(choices=[('train', 'train'), ('validation', 'validation'), ('test', 'test')], max_length=10)),
                ('external_id', models.CharField(blank=True, max_length=200)),
                ('metadata', models.JSONField(blank=True, default=dict)),
                ('sampled', models.BooleanField(default=False)),
                ('withdrawn_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('project', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='prompts', to='annotation.project')),
            ],
            options={
                'indexes': [models.Index(fields=['project', 'split'], name='prompt_by_split'), models.Index(fields=['project', 'opening'], name='prompt_by_opening'), django.contrib.postgres.indexes.GinIndex(annotation.models.words.MessageWords('messages'), name='prompt_words')],
                'constraints': [models.UniqueConstraint(fields=('project', 'digest'), name='prompt_once', violation_error_message='A prompt is stored once in a project.')],
            },
        ),
        migrations.CreateModel(
            name='Task',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('key', models.CharField(help_text="An import's name of the task, or the digest of what it ranks", max_length=200)),
                ('kind', models.CharField(choices=[('rank', 'rank completions'), ('rate', 'rate completions'), ('demonstrate', 'write an answer')], db_default='rank', default='rank', max_length=11)),
                ('priority', models.IntegerField(default=0)),
                ('ordered_by', models.CharField(blank=True, db_default='', default='', editable=False, max_length=40)),
                ('annotators', models.PositiveSmallIntegerField(blank=True, help_text='How many its line asked for; empty: as many as the project says', null=True)),
                ('purpose', models.CharField(choices=[('collect', 'collect'), ('gold', 'gold'), ('repeat', 'repeat'), ('adjudication', 'adjudication')], db_default='collect', default='collect', max_length=12)),
                ('gold_tiers', django.contrib.postgres.fields.ArrayField(base_field=models.PositiveSmallIntegerField(), blank=True, null=True, size=None)),
                ('external_id', models.CharField(blank=True, max_length=200)),
                ('metadata', models.JSONField(blank=True, default=dict)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('project', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='tasks', to='annotation.project')),
                ('prompt', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tasks', to='annotation.prompt')),
                ('repeats', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='repeated_as', to='annotation.task')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('purpose', 'gold')), fields=['project'], name='task_gold')],
                'constraints': [models.UniqueConstraint(fields=('project', 'key'), name='task_key_once', violation_error_message="A task's key names one task of a project."), models.CheckConstraint(condition=models.Q(('kind__in', ['rank', 'rate', 'demonstrate'])), name='task_kind_known', violation_error_message='A task is to rank, to rate or to demonstrate.'), models.CheckConstraint(condition=models.Q(('purpose', 'collect'), ('kind', 'rank'), _connector='OR'), name='task_measures_by_ranking', violation_error_message='Gold tasks, repeats and adjudications are ranked.'), models.CheckConstraint(condition=models.Q(models.Q(('gold_tiers__isnull', False), ('gold_tiers__len__gte', 2), ('purpose', 'gold')), models.Q(models.Q(('purpose', 'gold'), _negated=True), ('gold_tiers__isnull', True)), _connector='OR'), name='task_gold_has_an_order', violation_error_message="A task has an expert's order exactly when it is gold."), models.CheckConstraint(condition=models.Q(models.Q(('purpose__in', ['repeat', 'adjudication']), ('repeats__isnull', False)), models.Q(('purpose__in', ['collect', 'gold']), ('repeats__isnull', True)), _connector='OR'), name='task_repeat_has_a_first', violation_error_message='A repeat or an adjudication, and nothing else, asks another task again.'), models.UniqueConstraint(condition=models.Q(('repeats__isnull', False)), fields=('repeats', 'purpose'), name='task_repeated_once', violation_error_message='A task has one repeat and one adjudication, whoever they are asked of.')],
            },
        ),
        migrations.CreateModel(
            name='Assignment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('status', models.CharField(choices=[('open', 'open'), ('submitted', 'submitted'), ('skipped', 'skipped'), ('released', 'released'), ('expired', 'expired')], default='open', max_length=9)),
                ('chosen', models.CharField(choices=[('priority', 'by priority'), ('random', 'drawn at random'), ('doubt', 'asked because a reward model is unsure of it')], db_default='priority', default='priority', max_length=8)),
                ('opened_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('expires_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
                ('order_shown', django.contrib.postgres.fields.ArrayField(base_field=models.PositiveSmallIntegerField(), size=None)),
                ('draft', models.JSONField(blank=True, default=dict)),
                ('drafted_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('drafted_by', models.CharField(blank=True, default='', editable=False, max_length=32)),
                ('reason', models.TextField(blank=True)),
                ('ahead', models.BooleanField(db_default=False, default=False, editable=False)),
                ('annotator', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='assignments', to='annotation.annotator')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='assignments', to='annotation.project')),
                ('task', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='assignments', to='annotation.task')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('status', 'open')), fields=['expires_at'], name='assignment_lease'), models.Index(condition=models.Q(('status', 'submitted')), fields=['annotator', 'closed_at'], name='assignment_submitted')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('status', 'open')), fields=('project', 'annotator', 'ahead'), name='assignment_one_open', violation_error_message='An annotator has one open task of a project at a time, and one ahead.'), models.UniqueConstraint(condition=models.Q(('status__in', ['open', 'submitted', 'skipped'])), fields=('task', 'annotator'), name='assignment_once_a_task', violation_error_message='Nobody gets a task again that they hold, submitted or skipped.'), models.CheckConstraint(condition=models.Q(models.Q(('closed_at__isnull', True), ('status', 'open')), models.Q(models.Q(('status', 'open'), _negated=True), ('closed_at__isnull', False)), _connector='OR'), name='assignment_closed_has_a_time', violation_error_message='An assignment has a time of closing exactly when it is closed.')],
            },
        ),
        migrations.CreateModel(
            name='Ranking',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('verdict', models.CharField(choices=[('ranked', 'ranked'), ('all_bad', 'all bad'), ('cannot_tell', 'cannot tell')], max_length=11)),
                ('tiers', django.contrib.postgres.fields.ArrayField(base_field=models.PositiveSmallIntegerField(), blank=True, default=list, size=None)),
                ('confidence', models.CharField(blank=True, choices=[('low', 'low'), ('middle', 'middle'), ('high', 'high')], max_length=6)),
                ('rationale', models.TextField(blank=True)),
                ('strength', models.FloatField(blank=True, null=True)),
                ('order_shown', django.contrib.postgres.fields.ArrayField(base_field=models.PositiveSmallIntegerField(), blank=True, null=True, size=None)),
                ('active_seconds', models.FloatField(blank=True, null=True)),
                ('guideline_version', models.PositiveIntegerField(default=1)),
                ('is_current', models.BooleanField(default=True)),
                ('import_key', models.CharField(blank=True, max_length=64, null=True)),
                ('external_id', models.CharField(blank=True, max_length=200)),
                ('metadata', models.JSONField(blank=True, default=dict)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('annotator', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rankings', to='annotation.annotator')),
                ('assignment', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='ranking', to='annotation.assignment')),
                ('project', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='rankings', to='annotation.project')),
                ('supersedes', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='superseded_by', to='annotation.ranking')),
                ('task', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rankings', to='annotation.task')),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(fields=['project', 'id'], name='ranking_of_project'), models.Index(condition=models.Q(('is_current', True)), fields=['annotator', 'created_at'], name='ranking_of_annotator')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('is_current', True)), fields=('task', 'annotator'), name='ranking_one_current', violation_error_message='An annotator has one current ranking of a task.'), models.UniqueConstraint(fields=('project', 'import_key'), name='ranking_imported_once', violation_error_message='A line is imported once.'), models.CheckConstraint(condition=models.Q(models.Q(('tiers__len__gte', 2), ('verdict', 'ranked')), models.Q(models.Q(('verdict', 'ranked'), _negated=True), ('tiers__len', 0)), _connector='OR'), name='ranking_tiers_exactly_when_ranked', violation_error_message='A ranking has tiers exactly when its verdict is ranked.'), models.CheckConstraint(condition=models.Q(('active_seconds__isnull', True), ('active_seconds__gte', 0), _connector='OR'), name='ranking_active_seconds_not_negative', violation_error_message='Active seconds cannot be negative.')],
            },
        ),
        migrations.CreateModel(
            name='Session',
            fields=[
                ('session_key', models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name='session key')),
                ('session_data', models.TextField(verbose_name='session data')),
                ('expire_date', models.DateTimeField(db_index=True, verbose_name='expire date')),
                ('account', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='sessions', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'session',
                'verbose_name_plural': 'sessions',
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Snapshot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64)),
                ('rankings', models.PositiveIntegerField()),
                ('comparisons', models.PositiveIntegerField()),
                ('simulated', models.PositiveIntegerField(default=0, help_text='How many of its rankings are by simulated annotators')),
                ('last_ranking_id', models.BigIntegerField(help_text='The newest ranking in it')),
                ('reproducible', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('artifact', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='snapshots', to='runs.artifact')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='snapshots', to='annotation.project')),
            ],
            options={
                'ordering': ['-id'],
                'constraints': [models.UniqueConstraint(fields=('project', 'digest'), name='snapshot_once', violation_error_message='Equal judgements are one snapshot.')],
            },
        ),
        migrations.CreateModel(
            name='Source',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('policy', 'policy version'), ('person', 'person'), ('import', 'import')], max_length=6)),
                ('name', models.CharField(max_length=200)),
                ('annotator', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='sources', to='annotation.annotator')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sources', to='annotation.project')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('project', 'name'), name='source_name_once', violation_error_message="A source's name is its own within a project."), models.CheckConstraint(condition=models.Q(('annotator__isnull', True), ('kind', 'person'), _connector='OR'), name='source_only_a_person_is_an_annotator', violation_error_message='Only a person can be both source and annotator.')],
            },
        ),
        migrations.CreateModel(
            name='Completion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('text', models.TextField(blank=True)),
                ('digest', models.CharField(help_text='sha256 of the text', max_length=64)),
                ('sampling', models.JSONField(blank=True, default=dict)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('prompt', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='completions', to='annotation.prompt')),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='completions', to='annotation.source')),
            ],
            options={
                'indexes': [django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.search.SearchVector(django.db.models.functions.text.Left('text', 50000), config='simple'), name='completion_words')],
                'constraints': [models.UniqueConstraint(fields=('prompt', 'source', 'digest'), name='completion_once_a_source', violation_error_message="A source's text for a prompt is stored once.")],
            },
        ),
        migrations.CreateModel(
            name='Comparison',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tie', models.BooleanField()),
                ('preferred', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='annotation.completion')),
                ('rejected', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='annotation.completion')),
                ('ranking', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='comparisons', to='annotation.ranking')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('ranking', 'preferred', 'rejected'), name='comparison_once', violation_error_message='A ranking says one thing of a pair.'), models.CheckConstraint(condition=models.Q(('preferred', models.F('rejected')), _negated=True), name='comparison_of_two', violation_error_message='A completion is not compared with itself.')],
            },
        ),
        migrations.CreateModel(
            name='Rating',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('axis', models.CharField(default='quality', max_length=60)),
                ('score', models.FloatField(blank=True, null=True)),
                ('active_seconds', models.FloatField(blank=True, null=True)),
                ('guideline_version', models.PositiveIntegerField(blank=True, null=True)),
                ('is_current', models.BooleanField(default=True)),
                ('import_key', models.CharField(blank=True, max_length=64, null=True)),
                ('external_id', models.CharField(blank=True, max_length=200)),
                ('metadata', models.JSONField(blank=True, default=dict)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('annotator', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='ratings', to='annotation.annotator')),
                ('assignment', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='ratings', to='annotation.assignment')),
                ('completion', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='ratings', to='annotation.completion')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='ratings', to='annotation.project')),
                ('supersedes', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='superseded_by', to='annotation.rating')),
            ],
            options={
                'ordering': ['id'],
                'constraints': [models.UniqueConstraint(fields=('project', 'import_key'), name='rating_imported_once', violation_error_message='A line is imported once.'), models.UniqueConstraint(condition=models.Q(('assignment__isnull', False), ('is_current', True)), fields=('assignment', 'completion', 'axis'), name='rating_one_current', violation_error_message='An answer has one current score a completion and axis.'), models.CheckConstraint(condition=models.Q(('active_seconds__isnull', True), ('active_seconds__gte', 0), _connector='OR'), name='rating_active_seconds_not_negative', violation_error_message='Active seconds cannot be negative.')],
            },
        ),
        migrations.CreateModel(
            name='Demonstration',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('text', models.TextField()),
                ('active_seconds', models.FloatField(blank=True, null=True)),
                ('guideline_version', models.PositiveIntegerField(blank=True, null=True)),
                ('review', models.CharField(choices=[('waiting', 'waiting for review'), ('accepted', 'accepted'), ('sent_back', 'sent back')], db_default='accepted', default='accepted', max_length=9)),
                ('comment', models.TextField(blank=True, db_default='', default='')),
                ('edited', models.BooleanField(db_default=False, default=False)),
                ('reviewed_at', models.DateTimeField(blank=True, null=True)),
                ('held_until', models.DateTimeField(blank=True, null=True)),
                ('is_current', models.BooleanField(db_default=True, default=True)),
                ('import_key', models.CharField(blank=True, max_length=64, null=True)),
                ('external_id', models.CharField(blank=True, max_length=200)),
                ('metadata', models.JSONField(blank=True, default=dict)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('assignment', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='demonstrations', to='annotation.assignment')),
                ('author', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='demonstrations', to='annotation.annotator')),
                ('held_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='annotation.annotator')),
                ('reviewer', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reviews', to='annotation.annotator')),
                ('supersedes', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='superseded_by', to='annotation.demonstration')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='demonstrations', to='annotation.project')),
                ('prompt', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='demonstrations', to='annotation.prompt')),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='demonstrations', to='annotation.source')),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(condition=models.Q(('is_current', True), ('review', 'waiting')), fields=['project', 'id'], name='demonstration_waiting')],
                'constraints': [models.UniqueConstraint(fields=('project', 'import_key'), name='demonstration_imported_once', violation_error_message='A line is imported once.'), models.UniqueConstraint(condition=models.Q(('assignment__isnull', False), ('is_current', True)), fields=('assignment',), name='demonstration_one_current', violation_error_message='An assignment has one current demonstration.'), models.CheckConstraint(condition=models.Q(('reviewer__isnull', True), ('author__isnull', True), models.Q(('reviewer', models.F('author')), _negated=True), _connector='OR'), name='demonstration_reviewed_by_another', violation_error_message='Nobody reviews what they wrote themselves.'), models.CheckConstraint(condition=models.Q(models.Q(('review', 'sent_back'), _negated=True), models.Q(('reviewer__isnull', False), models.Q(('comment', ''), _negated=True)), _connector='OR'), name='demonstration_sent_back_says_why', violation_error_message='Whoever sends a demonstration back says why.'), models.CheckConstraint(condition=models.Q(models.Q(('review', 'waiting'), _negated=True), ('reviewer__isnull', True), _connector='OR'), name='demonstration_waits_for_a_reviewer', violation_error_message='What waits for review has no reviewer yet.'), models.CheckConstraint(condition=models.Q(('review__in', ['waiting', 'accepted', 'sent_back'])), name='demonstration_review_known', violation_error_message='A demonstration waits, is accepted or was sent back.')],
            },
        ),
        migrations.CreateModel(
            name='StandingChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('standing', models.CharField(choices=[('fine', 'fine'), ('warned', 'warned'), ('paused', 'paused')], max_length=6)),
                ('why', models.TextField()),
                ('last_ranking_id', models.BigIntegerField()),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('annotator', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='standing_changes', to='annotation.annotator')),
                ('changed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('why', ''), _negated=True), name='standing_change_says_why', violation_error_message='A change of standing says why.')],
            },
        ),
        migrations.CreateModel(
            name='Tally',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('agreement', 'agreement'), ('pair', 'agreement of two'), ('habits', 'habits')], max_length=9)),
                ('week', models.CharField(blank=True, help_text='ISO week, 2026-W48; empty for all', max_length=8)),
                ('tasks', models.IntegerField()),
                ('sums', django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), size=None)),
                ('products', django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), size=None)),
                ('annotator', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='tallies', to='annotation.annotator')),
                ('other', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='annotation.annotator')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tallies', to='annotation.project')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('project', 'kind', 'annotator', 'other', 'week'), name='tally_once', nulls_distinct=False, violation_error_message='A scope has one total.'), models.CheckConstraint(condition=models.Q(models.Q(('annotator__isnull', False), ('kind', 'pair'), ('other__isnull', False)), models.Q(models.Q(('kind', 'pair'), _negated=True), ('other__isnull', True)), _connector='OR'), name='tally_of_two_exactly_when_pair', violation_error_message='A tally is of two annotators exactly when its kind is pair.')],
            },
        ),
        migrations.CreateModel(
            name='TaskTally',
            fields=[
                ('task', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='tally', serialize=False, to='annotation.task')),
                ('added', models.JSONField()),
            ],
        ),
        migrations.CreateModel(
            name='StaleTask',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='annotation.project')),
                ('task', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='annotation.task')),
            ],
            options={
                'indexes': [models.Index(fields=['project', 'id'], name='stale_task_of_project')],
            },
        ),
        migrations.CreateModel(
            name='Slot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('priority', models.IntegerField(default=0)),
                ('number', models.PositiveSmallIntegerField()),
                ('freed_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('lot', models.FloatField(db_default=django.db.models.functions.math.Random(), editable=False)),
                ('annotator', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='slots', to='annotation.annotator')),
                ('project', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='annotation.project')),
                ('task', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='slots', to='annotation.task')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('annotator__isnull', False)), fields=['annotator'], name='slot_held'), models.Index(condition=models.Q(('annotator__isnull', True)), fields=['project', '-priority', 'task', 'number'], name='slot_free'), models.Index(condition=models.Q(('annotator__isnull', True), ('freed_at__isnull', False)), fields=['project', 'freed_at'], name='slot_given_back'), models.Index(condition=models.Q(('annotator__isnull', True)), fields=['project', 'lot'], name='slot_by_lot')],
                'constraints': [models.UniqueConstraint(fields=('task', 'number'), name='slot_number_once', violation_error_message="A task's slots are numbered."), models.UniqueConstraint(condition=models.Q(('annotator__isnull', False)), fields=('task', 'annotator'), name='slot_annotator_once_a_task', violation_error_message='Nobody holds two slots of a task.')],
            },
        ),
        migrations.CreateModel(
            name='Flag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('category', models.CharField(choices=[('harmful', 'harmful'), ('private', 'private data'), ('broken', 'broken prompt or texts'), ('names_model', 'names its model'), ('other', 'something else')], max_length=11)),
                ('words', models.TextField(blank=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('resolved_at', models.DateTimeField(blank=True, null=True)),
                ('resolution', models.TextField(blank=True, db_default='', default='')),
                ('annotator', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='flags', to='annotation.annotator')),
                ('completion', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='flags', to='annotation.completion')),
                ('resolved_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='flags', to='annotation.project')),
                ('prompt', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='flags', to='annotation.prompt')),
                ('task', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='flags', to='annotation.task')),
            ],
            options={
                'ordering': ['-id'],
                'indexes': [models.Index(condition=models.Q(('resolved_at__isnull', True)), fields=['project', '-id'], name='flag_open')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('resolved_at__isnull', True)), fields=('task', 'annotator', 'category'), name='flag_once_until_resolved', violation_error_message='An annotator has one open flag at a task for one reason.'), models.CheckConstraint(condition=models.Q(models.Q(('annotator__isnull', False), ('completion__isnull', True), ('task__isnull', False)), models.Q(('annotator__isnull', True), ('completion__isnull', False), ('task__isnull', True)), _connector='OR'), name='flag_by_an_annotator_at_a_task', violation_error_message='An annotator flags a task, and the import flags a completion.'), models.CheckConstraint(condition=models.Q(models.Q(('resolution', ''), ('resolved_at__isnull', True)), models.Q(('resolved_at__isnull', False), models.Q(('resolution', ''), _negated=True)), _connector='OR'), name='flag_resolved_says_how', violation_error_message='A flag has a resolution exactly when it is resolved.')],
            },
        ),
        migrations.CreateModel(
            name='TaskCompletion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField()),
                ('completion', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='entries', to='annotation.completion')),
                ('task', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='entries', to='annotation.task')),
            ],
            options={
                'ordering': ['position'],
                'constraints': [models.UniqueConstraint(fields=('task', 'position'), name='entry_position_once', violation_error_message='Each place of a task holds one completion.'), models.UniqueConstraint(fields=('task', 'completion'), name='entry_completion_once', violation_error_message='A task ranks a completion once.')],
            },
        ),
        migrations.CreateModel(
            name='Transfer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('direction', models.CharField(choices=[('import', 'import'), ('export', 'export')], max_length=6)),
                ('kind', models.CharField(choices=[('prompts', 'prompts'), ('completions', 'completions'), ('demonstrations', 'demonstrations'), ('rankings', 'rankings'), ('pairs', 'pairs'), ('ratings', 'ratings'), ('gold', 'gold tasks'), ('gold_rankings', 'rankings of gold tasks'), ('repeats', 'rankings of repeats'), ('adjudications', 'adjudications'), ('flags', 'flags'), ('skips', 'skips')], max_length=14)),
                ('file', models.FileField(blank=True, upload_to='transfers/')),
                ('file_name', models.CharField(blank=True, max_length=200)),
                ('skip_bad', models.BooleanField(default=False)),
                ('columns', models.JSONField(blank=True, help_text='Set where the file is of another tool: which of its columns is which of ours, where it was said', null=True)),
                ('split', models.CharField(blank=True, max_length=10)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='transfers', to='annotation.project')),
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='transfer', to='runs.run')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('direction', 'export'), models.Q(('file', ''), _negated=True), _connector='OR'), name='transfer_import_has_a_file', violation_error_message='An import needs a file.')],
            },
        ),
        migrations.CreateModel(
            name='Webhook',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('url', models.URLField(max_length=500)),
                ('secret', models.CharField(max_length=100)),
                ('events', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('task.completed', "a task's last annotator submitted"), ('run.ended', 'a run succeeded, failed or was cancelled')], max_length=20), size=None)),
                ('active', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='webhooks', to='annotation.project')),
            ],
            options={
                'ordering': ['id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('events__len__gte', 1)), name='webhook_hears_something', violation_error_message='A webhook needs at least one event.')],
            },
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('event', models.CharField(max_length=20)),
                ('body', models.TextField()),
                ('status', models.CharField(choices=[('waiting', 'waiting'), ('delivered', 'delivered'), ('failed', 'failed')], default='waiting', max_length=9)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('next_attempt_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('answer_status', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('reason', models.TextField(blank=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('delivered_at', models.DateTimeField(blank=True, null=True)),
                ('webhook', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='annotation.webhook')),
            ],
            options={
                'ordering': ['-id'],
                'indexes': [models.Index(condition=models.Q(('status', 'waiting')), fields=['next_attempt_at'], name='delivery_waiting'), models.Index(fields=['webhook', '-id'], name='delivery_of_webhook')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('delivered_at__isnull', False), ('status', 'delivered')), models.Q(models.Q(('status', 'delivered'), _negated=True), ('delivered_at__isnull', True)), _connector='OR'), name='delivery_delivered_has_a_time', violation_error_message='A delivery has a time exactly when it is delivered.')],
            },
        ),
        migrations.CreateModel(
            name='Withdrawal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('name_digest', models.CharField(blank=True, max_length=64)),
                ('erased', models.JSONField()),
                ('files_begun_at', models.DateTimeField(blank=True, null=True)),
                ('files_done_at', models.DateTimeField(blank=True, null=True)),
                ('annotator', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='withdrawal', to='annotation.annotator')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='withdrawals', to='annotation.project')),
                ('prompt', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='withdrawal', to='annotation.prompt')),
                ('requested_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('runs', models.ManyToManyField(blank=True, related_name='withdrawals', to='runs.run')),
                ('snapshots', models.ManyToManyField(blank=True, related_name='withdrawals', to='annotation.snapshot')),
            ],
            options={
                'ordering': ['-id'],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('annotator__isnull', False), ('prompt__isnull', True)), models.Q(('annotator__isnull', True), ('prompt__isnull', False)), _connector='OR'), name='withdrawal_of_one', violation_error_message='A withdrawal is of an annotator or of a prompt.')],
            },
        ),
        migrations.CreateModel(
            name='KeptAnswer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=200)),
                ('request_digest', models.CharField(help_text='sha256 of token, method, path and body', max_length=64)),
                ('status', models.PositiveSmallIntegerField(default=0)),
                ('body', models.TextField(blank=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['created_at'], name='kept_answer_age')],
                'constraints': [models.UniqueConstraint(fields=('user', 'key'), name='kept_answer_once', violation_error_message='A key names one request of an account.')],
            },
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('role', models.CharField(choices=[('annotator', 'annotator'), ('researcher', 'researcher')], max_length=10)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='annotation.project')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('project', 'user'), name='membership_one_role_a_project', violation_error_message='A person has one role in a project.')],
            },
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
        migrations.CreateModel(
            name='ApiToken',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('digest', models.CharField(help_text='sha256 of the secret', max_length=64, unique=True)),
                ('hint', models.CharField(max_length=16)),
                ('scopes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('read', 'read: look at projects, data, runs and versions, and export'), ('annotate', "annotate: take tasks and judge them, as the account's annotator"), ('write', 'write: change projects, and bring in prompts, tasks and files'), ('runs', 'runs: start and cancel runs, and activate versions')], max_length=8), size=None)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('last_used_at', models.DateTimeField(blank=True, null=True)),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='api_tokens', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='api_tokens', to='annotation.project')),
            ],
            options={
                'ordering': ['-id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('scopes__len__gte', 1)), name='api_token_may_something', violation_error_message='A token needs at least one scope.')],
            },
        ),
        migrations.RunSQL(
            "CREATE UNIQUE INDEX account_name_once ON auth_user (lower(username))",
            "DROP INDEX account_name_once",
        ),
    ]
