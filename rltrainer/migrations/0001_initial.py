import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('annotation', '0001_initial'),
        ('rewardmodel', '0001_initial'),
        ('runs', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='PolicySettings',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sft', models.JSONField(blank=True, default=dict, help_text='Fields of SftConfig that differ from their defaults.')),
                ('ppo', models.JSONField(blank=True, default=dict, help_text='Fields of PpoConfig that differ from their defaults.')),
                ('sampling', models.JSONField(blank=True, default=dict, help_text='Fields of SampleConfig that differ from their defaults.')),
                ('succeeds', models.BooleanField(default=True, help_text='A new policy becomes the current one by itself where a comparison on the same held-out prompts shows it better. Otherwise all wait for a person.')),
                ('succession_prompts', models.PositiveIntegerField(default=30, help_text='With fewer held-out prompts nothing is said of a difference, and the policy waits.')),
                ('project', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='policy_settings', to='annotation.project')),
            ],
        ),
        migrations.CreateModel(
            name='PolicyVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('base', models.CharField(blank=True, help_text='Hub name or folder, of a base without an artifact', max_length=300)),
                ('report', models.JSONField(blank=True, default=dict)),
                ('is_current', models.BooleanField(default=False)),
                ('proposal', models.CharField(blank=True, choices=[('first', 'the first'), ('better', 'better'), ('worse', 'worse'), ('open', 'neither better nor worse'), ('too_few', 'too few prompts to tell'), ('not_compared', 'not compared')], max_length=12)),
                ('why', models.TextField(blank=True, help_text='Why it became the current one, or why not')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('artifact', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='runs.artifact')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='policy_versions', to='annotation.project')),
                ('source', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='policy_version', to='annotation.source')),
            ],
            options={
                'ordering': ['-number'],
            },
        ),
        migrations.CreateModel(
            name='PolicyExport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('adapter', models.BooleanField(default=False)),
                ('license', models.CharField(default='other', max_length=100)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='policy_exports', to='annotation.project')),
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='policy_export', to='runs.run')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='exports', to='rltrainer.policyversion')),
            ],
        ),
        migrations.CreateModel(
            name='Evaluation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('config', models.JSONField(blank=True, default=dict)),
                ('report', models.JSONField(blank=True, default=dict)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='evaluations', to='annotation.project')),
                ('reward_model', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='evaluations', to='rewardmodel.rewardmodelversion')),
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='evaluation', to='runs.run')),
                ('policies', models.ManyToManyField(related_name='evaluations', to='rltrainer.policyversion')),
            ],
        ),
        migrations.CreateModel(
            name='Registration',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('base', models.CharField(max_length=300)),
                ('current', models.BooleanField(default=False)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='registrations', to='annotation.project')),
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='registration', to='runs.run')),
            ],
        ),
        migrations.CreateModel(
            name='Sampling',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('prompts', models.PositiveIntegerField()),
                ('config', models.JSONField(blank=True, default=dict)),
                ('completions', models.ManyToManyField(blank=True, related_name='samplings', to='annotation.completion')),
                ('policy', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='samplings', to='rltrainer.policyversion')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='samplings', to='annotation.project')),
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='sampling', to='runs.run')),
            ],
        ),
        migrations.CreateModel(
            name='Training',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('algorithm', models.CharField(choices=[('sft', 'SFT'), ('ppo', 'PPO'), ('reinforce', 'REINFORCE')], max_length=9)),
                ('config', models.JSONField(blank=True, default=dict)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='trainings', to='annotation.project')),
                ('reward_model', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='trainings', to='rewardmodel.rewardmodelversion')),
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='training', to='runs.run')),
                ('start', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='trainings', to='rltrainer.policyversion')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('algorithm', 'sft'), models.Q(('reward_model__isnull', False), ('start__isnull', False)), _connector='OR'), name='training_gradient_has_start_and_reward', violation_error_message='PPO and REINFORCE need a policy to start from and a reward model.')],
            },
        ),
        migrations.AddField(
            model_name='policyversion',
            name='training',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='version', to='rltrainer.training'),
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.UniqueConstraint(fields=('project', 'number'), name='policy_number_once', violation_error_message='Policy versions of a project are numbered.'),
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.UniqueConstraint(condition=models.Q(('is_current', True)), fields=('project',), name='policy_one_current', violation_error_message='One policy version of a project is current.'),
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.CheckConstraint(condition=models.Q(('artifact__isnull', False), models.Q(('base', ''), _negated=True), _connector='OR'), name='policy_is_somewhere', violation_error_message='A policy version is an artifact, a hub name or a folder.'),
        ),
    ]
