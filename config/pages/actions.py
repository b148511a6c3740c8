"""The forms of a project's page. A form parses; its ``perform`` calls one function of an app and holds no logic.

``perform`` returns the run it started, or None where the change is done at once.
"""

from typing import Any, ClassVar

from django import forms
from django.contrib.auth.models import User

from annotation import people, transfers
from annotation.models import Membership, Project, Transfer
from rewardmodel import activation, fits
from rewardmodel.models import RewardModelVersion
from rltrainer import evaluation, policies, sampling, training
from rltrainer.models import PolicyVersion, Training
from runs.models import Run

SPLITS = [("", "all splits"), ("train", "train"), ("validation", "validation"), ("test", "test")]


class Action(forms.Form):
    """One thing a researcher can do to a project."""

    button: ClassVar[str]
    # What the page says when it is done and no run was started.
    done: str = "Done."

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.project = project
        self.prepare()

    def prepare(self) -> None:
        """Narrow the choices to the project's."""

    def perform(self, user: User) -> Run | None:
        """Call the function. Raises errors of the apps, whose messages the page shows."""
        raise NotImplementedError


def _config_field() -> forms.JSONField:
    return forms.JSONField(
        required=False,
        initial=dict,
        label="Settings that differ from the defaults (JSON)",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "class": "mono"}),
    )


class FitForm(Action):
    """Fit a reward model on the rankings there are."""

    button = "Fit a reward model"
    base = forms.CharField(
        required=False,
        label="Base",
        help_text="Hub name, folder or scratch. Empty: the project's setting, else the current policy's trunk.",
    )
    config = _config_field()

    def perform(self, user: User) -> Run:
        config = dict(self.cleaned_data["config"] or {})
        if self.cleaned_data["base"]:
            config["base"] = self.cleaned_data["base"]
        return fits.request_fit(project=self.project, config=config, created_by=user)


class TrainForm(Action):
    """Train a policy."""

    button = "Train"
    algorithm = forms.ChoiceField(choices=Training.Algorithm.choices, initial=Training.Algorithm.PPO)
    start = forms.ModelChoiceField(
        PolicyVersion.objects.none(), required=False, label="Start from", empty_label="the current policy"
    )
    config = _config_field()

    def prepare(self) -> None:
        _choices(self, "start").queryset = PolicyVersion.objects.filter(project=self.project)

    def perform(self, user: User) -> Run:
        return training.request_training(
            project=self.project,
            algorithm=self.cleaned_data["algorithm"],
            start=self.cleaned_data["start"],
            config=self.cleaned_data["config"] or {},
            created_by=user,
        )


class SampleForm(Action):
    """Sample a policy into new tasks."""

    button = "Sample"
    policy = forms.ModelChoiceField(
        PolicyVersion.objects.none(), required=False, empty_label="the current policy"
    )
    prompts = forms.IntegerField(min_value=1, max_value=1_000_000, initial=50)

    def prepare(self) -> None:
        _choices(self, "policy").queryset = PolicyVersion.objects.filter(project=self.project)

    def perform(self, user: User) -> Run:
        return sampling.request_sampling(
            project=self.project,
            policy=self.cleaned_data["policy"],
            prompts=self.cleaned_data["prompts"],
            created_by=user,
        )


class CompareForm(Action):
    """Compare policies on held-out prompts."""

    button = "Compare"
    versions = forms.ModelMultipleChoiceField(
        PolicyVersion.objects.none(), label="Policies", widget=forms.CheckboxSelectMultiple
    )

    def prepare(self) -> None:
        _choices(self, "versions").queryset = PolicyVersion.objects.filter(project=self.project)

    def clean_versions(self) -> list[PolicyVersion]:
        versions = sorted(self.cleaned_data["versions"], key=lambda version: version.number)
        if len(versions) < 2:
            raise forms.ValidationError("Choose at least two policies.")
        return versions

    def perform(self, user: User) -> Run:
        return evaluation.request_evaluation(
            project=self.project, versions=self.cleaned_data["versions"], created_by=user
        )


class ImportForm(Action):
    """Import a JSONL file."""

    button = "Import"
    kind = forms.ChoiceField(choices=Transfer.Kind.choices)
    file = forms.FileField(label="File (.jsonl or .jsonl.gz)")
    skip_bad = forms.BooleanField(required=False, label="Skip bad lines instead of refusing the file")

    def perform(self, user: User) -> Run:
        return transfers.request_import(
            project=self.project,
            kind=self.cleaned_data["kind"],
            file=self.cleaned_data["file"],
            file_name=self.cleaned_data["file"].name,
            skip_bad=self.cleaned_data["skip_bad"],
            created_by=user,
        )


class ExportForm(Action):
    """Export as JSONL."""

    button = "Export"
    kind = forms.ChoiceField(choices=Transfer.Kind.choices, initial=Transfer.Kind.PAIRS)
    split = forms.ChoiceField(choices=SPLITS, required=False)

    def perform(self, user: User) -> Run:
        return transfers.request_export(
            project=self.project,
            kind=self.cleaned_data["kind"],
            split=self.cleaned_data["split"] or None,
            created_by=user,
        )


class InviteForm(Action):
    """Invite a person into the project."""

    button = "Make an invitation link"
    email = forms.EmailField(label="E-mail")
    role = forms.ChoiceField(choices=Membership.Role.choices)

    def perform(self, user: User) -> None:
        self.done = "Send this link; it works once: " + people.invite(
            project=self.project, email=self.cleaned_data["email"], role=self.cleaned_data["role"]
        )


class ActivateForm(Action):
    """Make a reward model version the active one."""

    button = "Activate"
    done = "Activated."
    version = forms.ModelChoiceField(RewardModelVersion.objects.none(), widget=forms.HiddenInput)

    def prepare(self) -> None:
        _choices(self, "version").queryset = RewardModelVersion.objects.filter(project=self.project)

    def perform(self, user: User) -> None:
        activation.activate(version=self.cleaned_data["version"], why=f"By hand: {user.get_username()}.")


class CurrentForm(Action):
    """Make a policy version the current one."""

    button = "Make current"
    done = "It is the current policy now."
    version = forms.ModelChoiceField(PolicyVersion.objects.none(), widget=forms.HiddenInput)

    def prepare(self) -> None:
        _choices(self, "version").queryset = PolicyVersion.objects.filter(project=self.project)

    def perform(self, user: User) -> None:
        policies.make_current(version=self.cleaned_data["version"])


ACTIONS: dict[str, type[Action]] = {
    "fit": FitForm,
    "train": TrainForm,
    "sample": SampleForm,
    "compare": CompareForm,
    "import": ImportForm,
    "export": ExportForm,
    "invite": InviteForm,
    "activate": ActivateForm,
    "current": CurrentForm,
}


def _choices(form: Action, name: str) -> "forms.ModelChoiceField[Any]":
    field = form.fields[name]
    assert isinstance(field, forms.ModelChoiceField)
    return field
