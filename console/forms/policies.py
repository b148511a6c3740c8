"""Policies: training, sampling, comparing, and which version is current."""

from django import forms
from django.contrib.auth.models import User

from console.forms.action import Action, choices, config_field
from rltrainer import evaluation, policies, registering, sampling, succession, training
from rltrainer.models import PolicyVersion, Training
from runs.models import Run


class TrainForm(Action):
    """Train a policy."""

    page = "policies"
    button = "Train"
    algorithm = forms.ChoiceField(choices=Training.Algorithm.choices, initial=Training.Algorithm.PPO)
    start = forms.ModelChoiceField(
        PolicyVersion.objects.none(), required=False, label="Start from", empty_label="the current policy"
    )
    config = config_field()

    def prepare(self) -> None:
        choices(self, "start").queryset = PolicyVersion.objects.filter(project=self.project)

    def perform(self, user: User) -> Run:
        return training.request_training(
            project=self.project,
            algorithm=self.cleaned_data["algorithm"],
            start=self.cleaned_data["start"],
            config=self.cleaned_data["config"] or {},
            created_by=user,
        )


class RegisterForm(Action):
    """Register a policy that was trained elsewhere."""

    page = "policies"
    button = "Register a policy"
    explanation = (
        "It is loaded and tried at once, and the run says what it can do or why it cannot be used. "
        "It stays where it is: a folder that the workers see, or a model on the hub."
    )
    base = forms.CharField(max_length=300, label="Folder or hub name")
    current = forms.BooleanField(required=False, label="Sample it, and start from it, from now on")

    def perform(self, user: User) -> Run:
        return registering.request_registration(project=self.project, created_by=user, **self.cleaned_data)


class SampleForm(Action):
    """Sample a policy into new tasks."""

    page = "policies"
    button = "Sample"
    policy = forms.ModelChoiceField(
        PolicyVersion.objects.none(), required=False, empty_label="the current policy"
    )
    prompts = forms.IntegerField(min_value=1, max_value=1_000_000, initial=50)

    def prepare(self) -> None:
        choices(self, "policy").queryset = PolicyVersion.objects.filter(project=self.project)

    def perform(self, user: User) -> Run:
        return sampling.request_sampling(
            project=self.project,
            policy=self.cleaned_data["policy"],
            prompts=self.cleaned_data["prompts"],
            created_by=user,
        )


class CompareForm(Action):
    """Compare policies on held-out prompts."""

    page = "policies"
    button = "Compare"
    versions = forms.ModelMultipleChoiceField(
        PolicyVersion.objects.none(), label="Policies", widget=forms.CheckboxSelectMultiple
    )

    def prepare(self) -> None:
        choices(self, "versions").queryset = PolicyVersion.objects.filter(project=self.project)

    def clean_versions(self) -> list[PolicyVersion]:
        versions = sorted(self.cleaned_data["versions"], key=lambda version: version.number)
        if len(versions) < 2:
            raise forms.ValidationError("Choose at least two policies.")
        return versions

    def perform(self, user: User) -> Run:
        return evaluation.request_evaluation(
            project=self.project, versions=self.cleaned_data["versions"], created_by=user
        )


class CurrentForm(Action):
    """Make a policy version the current one."""

    page = "policies"
    button = "Make current"
    done = "It is the current policy now."
    version = forms.ModelChoiceField(PolicyVersion.objects.none(), widget=forms.HiddenInput)

    def prepare(self) -> None:
        choices(self, "version").queryset = PolicyVersion.objects.filter(project=self.project)

    def perform(self, user: User) -> None:
        policies.make_current(version=self.cleaned_data["version"], why=f"By hand: {user.get_username()}.")


class SuccessionForm(Action):
    """When a new policy becomes the current one by itself."""

    page = "policies"
    button = "Save when it becomes current"
    done = "Saved."
    succeeds = forms.BooleanField(
        required=False,
        label="By itself, where the same held-out prompts show it better",
        help_text="Otherwise every new policy waits for you.",
    )
    succession_prompts = forms.IntegerField(
        min_value=1,
        max_value=1_000_000,
        label="On so many held-out prompts at least",
        help_text="With fewer it waits: a difference on a handful of prompts is mostly chance.",
    )

    def prepare(self) -> None:
        settings = succession.settings_of(self.project)
        for name, field in self.fields.items():
            field.initial = getattr(settings, name)

    def perform(self, user: User) -> None:
        succession.configure(project=self.project, **self.cleaned_data)
