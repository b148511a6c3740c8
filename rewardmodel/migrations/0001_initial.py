import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('annotation', '0001_initial'),
        ('runs', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Fit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('base', models.CharField(blank=True, max_length=300)),
                ('config', models.JSONField(blank=True, default=dict)),
                ('why', models.CharField(blank=True, default='', help_text='Empty: somebody asked for it', max_length=200)),
                ('base_artifact', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='runs.artifact')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='fits', to='annotation.project')),
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='fit', to='runs.run')),
                ('snapshot', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='fits', to='annotation.snapshot')),
            ],
        ),
        migrations.CreateModel(
            name='RewardModelSettings',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('base', models.CharField(blank=True, help_text="Hub name or folder of the backbone. Empty: the current policy's trunk, else one from scratch.", max_length=300)),
                ('config', models.JSONField(blank=True, default=dict, help_text='Fields of FitConfig that differ from their defaults (docs/algorithms.md).')),
                ('retrain_rankings', models.PositiveIntegerField(default=0, help_text='Fit again after so many new rankings. 0: not by their number.')),
                ('retrain_hours', models.PositiveIntegerField(default=0, help_text='Fit again after so many hours, where there is a new ranking. 0: not by the clock.')),
                ('choose_next', models.BooleanField(default=False, help_text="Whenever a fit's version goes live, ask first what it is unsure of (rewardmodel.choosing).")),
                ('retrain_warm', models.BooleanField(default=False, help_text='Go on from the active version, its head included, instead of from the base.')),
                ('activates', models.BooleanField(default=True, help_text='A new version goes live by itself where a comparison on the same held-out prompts shows it better. Otherwise all wait for a person.')),
                ('activation_prompts', models.PositiveIntegerField(default=30, help_text='With fewer held-out prompts nothing is said of a difference, and the version waits.')),
                ('project', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='reward_model_settings', to='annotation.project')),
            ],
        ),
        migrations.CreateModel(
            name='RewardModelVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('report', models.JSONField()),
                ('is_active', models.BooleanField(default=False)),
                ('proposal', models.CharField(blank=True, choices=[('first', 'the first'), ('better', 'better'), ('worse', 'worse'), ('open', 'neither better nor worse'), ('too_few', 'too few prompts to tell'), ('not_compared', 'not compared')], max_length=12)),
                ('activation', models.TextField(blank=True, help_text='Why it was activated, or why not')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('artifact', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='runs.artifact')),
                ('fit', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='version', to='rewardmodel.fit')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reward_model_versions', to='annotation.project')),
            ],
            options={
                'ordering': ['-number'],
                'constraints': [models.UniqueConstraint(fields=('project', 'number'), name='reward_model_number_once', violation_error_message='Reward model versions of a project are numbered.'), models.UniqueConstraint(condition=models.Q(('is_active', True)), fields=('project',), name='reward_model_one_active', violation_error_message='One reward model version of a project is active.')],
            },
        ),
        migrations.CreateModel(
            name='RewardModelExport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('adapter', models.BooleanField(default=False)),
                ('license', models.CharField(default='other', max_length=100)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reward_model_exports', to='annotation.project')),
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='reward_model_export', to='runs.run')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='exports', to='rewardmodel.rewardmodelversion')),
            ],
        ),
        migrations.CreateModel(
            name='Contest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('report', models.JSONField(blank=True, default=dict)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='contests', to='annotation.project')),
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='contest', to='runs.run')),
                ('snapshot', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='contests', to='annotation.snapshot')),
                ('reference', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='rewardmodel.rewardmodelversion')),
                ('versions', models.ManyToManyField(related_name='contests', to='rewardmodel.rewardmodelversion')),
            ],
        ),
        migrations.CreateModel(
            name='Choosing',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='choosings', to='annotation.project')),
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='choosing', to='runs.run')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='choosings', to='rewardmodel.rewardmodelversion')),
            ],
        ),
        migrations.AddField(
            model_name='fit',
            name='incumbent',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='rewardmodel.rewardmodelversion'),
        ),
    ]
