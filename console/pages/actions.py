"""The forms of a project's page. A form parses; its ``perform`` calls one function of an app and holds no logic.

``perform`` returns the run it started, or None where the change is done at once.
"""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.template.defaultfilters import filesizeformat

from annotation import people
from annotation.checking import adjudication, control, standing
from annotation.collecting import flags
from annotation.files import transfers
from annotation.models import Annotator, Flag, Membership, Project, Task, Transfer
from annotation.models.project import MOST_COMPLETIONS
from annotation.withdrawal import erasure
from console.pages.action import Action
from console.pages.asking import AskForm, SettingsForm, TasksForm
from rewardmodel import activation, fits, retraining
from rewardmodel.models import RewardModelSettings, RewardModelVersion
from rltrainer import evaluation, policies, sampling, training
from rltrainer.models import PolicyVersion, Training
from runs.models import Run

SPLITS = [("", "all splits"), ("train", "train"), ("validation", "validation"), ("test", "test")]


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
    warm = forms.BooleanField(required=False, label="Go on from the active version instead of from a base")
    config = _config_field()

    def perform(self, user: User) -> Run:
        config = dict(self.cleaned_data["config"] or {})
        if self.cleaned_data["base"]:
            config["base"] = self.cleaned_data["base"]
        return fits.request_fit(
            project=self.project, config=config, warm=self.cleaned_data["warm"], created_by=user
        )


class RetrainForm(Action):
    """When fits begin by themselves."""

    button = "Save when to fit"
    done = "Saved."
    retrain_rankings = forms.IntegerField(
        min_value=0,
        max_value=10_000_000,
        initial=0,
        label="After so many new rankings",
        help_text="0: never.",
    )
    retrain_hours = forms.IntegerField(
        min_value=0,
        max_value=100_000,
        initial=0,
        label="After so many hours, where there is a new ranking",
        help_text="0: never.",
    )
    retrain_warm = forms.BooleanField(
        required=False, label="Go on from the active version instead of from the base"
    )

    def prepare(self) -> None:
        settings = RewardModelSettings.objects.filter(project=self.project).first()
        if settings is not None:
            for name, field in self.fields.items():
                field.initial = getattr(settings, name)

    def perform(self, user: User) -> None:
        retraining.configure(project=self.project, **self.cleaned_data)


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

    def prepare(self) -> None:
        self.fields["file"].help_text = f"{filesizeformat(settings.MAX_UPLOAD_BYTES)} at most."

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


class ControlForm(Action):
    """How often annotators are checked, and what the project asks for."""

    page = "annotators"
    button = "Save"
    done = "Saved."
    gold_every = forms.IntegerField(
        label="Gold: one task in",
        min_value=0,
        max_value=1000,
        help_text="Drawn at random, so that nobody can tell when. 0: none.",
    )
    repeat_every = forms.IntegerField(
        label="Repeats: one task in",
        min_value=0,
        max_value=1000,
        help_text="Asked again after at least so many others. 0: none.",
    )
    least_checks = forms.IntegerField(
        label="Gold tasks, or repeats, before a figure counts", min_value=1, max_value=1000
    )
    least_gold_score = forms.FloatField(
        label="Warn below this gold score",
        required=False,
        min_value=0,
        max_value=1,
        help_text="0.5 is chance.",
    )
    least_consistency = forms.FloatField(
        label="Warn below this self-consistency",
        required=False,
        min_value=0,
        max_value=1,
        help_text="0.5 is chance.",
    )
    most_position_bias = forms.FloatField(
        label="Warn where position bias is surely above",
        required=False,
        min_value=0,
        max_value=0.5,
        help_text="How far from one half the share of pairs won by the completion shown earlier may be.",
    )
    pauses = forms.BooleanField(
        required=False, label="Pause whoever is still below after a warning, until a researcher resumes them"
    )

    adjudicate_below = forms.FloatField(
        label="List tasks whose annotators agree on less than this share of pairs",
        required=False,
        min_value=0,
        max_value=1,
    )
    adjudicated_wins = forms.BooleanField(
        required=False,
        label="Train on a researcher's decision instead of the annotators' rankings of that task",
    )

    def prepare(self) -> None:
        for name, field in self.fields.items():
            field.initial = getattr(self.project, name)

    def perform(self, user: User) -> None:
        control.configure(project=self.project, **self.cleaned_data)


class GoldForm(Action):
    """Make tasks gold by what somebody ranked."""

    page = "annotators"
    button = "Make gold tasks"
    annotator = forms.ModelChoiceField(
        Annotator.objects.none(),
        required=False,
        label="Whose order is the expert's",
        empty_label="the only one there is",
    )
    tasks = forms.CharField(
        required=False,
        label="Tasks",
        help_text="Public ids or keys, one a line. Empty: all that this annotator ranked.",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "class": "mono"}),
    )

    def prepare(self) -> None:
        _choices(self, "annotator").queryset = _annotators(self.project)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not cleaned.get("annotator") and not cleaned.get("tasks"):
            raise forms.ValidationError("Choose an annotator, or name tasks.")
        return cleaned

    def perform(self, user: User) -> None:
        annotator = self.cleaned_data["annotator"]
        marked = control.mark_gold(
            project=self.project,
            tasks=self.cleaned_data["tasks"].split(),
            from_annotator=annotator.pseudonym if annotator else None,
        )
        self.done = f"Tasks made gold: {len(marked)}."


class UnmarkForm(Action):
    """Make a gold task an ordinary one again."""

    page = "annotators"
    button = "Ordinary again"
    done = "It is an ordinary task again."
    task = forms.ModelChoiceField(Task.objects.none(), widget=forms.HiddenInput)

    def prepare(self) -> None:
        _choices(self, "task").queryset = Task.objects.gold().filter(project=self.project)

    def perform(self, user: User) -> None:
        control.unmark_gold(project=self.project, tasks=[self.cleaned_data["task"]])


class _StandingForm(Action):
    """What pausing and resuming share."""

    page = "annotators"
    annotator = forms.ModelChoiceField(Annotator.objects.none(), widget=forms.HiddenInput)
    why = forms.CharField(max_length=500, error_messages={"required": "Say why: the annotator reads it."})

    def prepare(self) -> None:
        _choices(self, "annotator").queryset = _annotators(self.project)


class PauseForm(_StandingForm):
    """Give an annotator no more tasks."""

    button = "Pause"
    done = "Paused: they get no more tasks, and read why."

    def perform(self, user: User) -> None:
        standing.pause(**self.cleaned_data, by=user)


class ResumeForm(_StandingForm):
    """Give an annotator tasks again, or take a warning back."""

    button = "Resume"
    done = "Resumed: their figures start anew."

    def perform(self, user: User) -> None:
        standing.resume(**self.cleaned_data, by=user)


class ResolveForm(Action):
    """Close a flag."""

    page = "flags"
    button = "Resolve"
    done = "Resolved."
    flag = forms.ModelChoiceField(Flag.objects.none(), widget=forms.HiddenInput)
    resolution = forms.CharField(
        max_length=500, error_messages={"required": "Say in a few words what became of it."}
    )

    def prepare(self) -> None:
        _choices(self, "flag").queryset = Flag.objects.filter(project=self.project)

    def perform(self, user: User) -> None:
        flags.resolve(flags=[self.cleaned_data["flag"]], resolution=self.cleaned_data["resolution"], by=user)


class WithdrawForm(Action):
    """Take a person's or a prompt's data back."""

    page = "withdrawals"
    button = "Erase for good"
    done = "Erased from the tables; the files follow within a minute, and the list below says which."
    what = forms.ChoiceField(
        choices=[("annotator", "an annotator, by name"), ("prompt", "a prompt, by its public id")],
        label="Whose data",
    )
    name = forms.CharField(max_length=200, label="Name or public id")
    confirmation = forms.CharField(
        max_length=200,
        label="Type it again",
        help_text="Nothing brings the texts back.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("confirmation") and cleaned["confirmation"] != cleaned.get("name"):
            self.add_error("confirmation", "This is not the same. Nothing was erased.")
        return cleaned

    def perform(self, user: User) -> None:
        name = self.cleaned_data["name"]
        if self.cleaned_data["what"] == "annotator":
            erasure.withdraw_annotator(project=self.project, pseudonym=name, by=user)
        else:
            erasure.withdraw_prompt(project=self.project, public_id=name, by=user)


class DecideForm(Action):
    """Decide a task on which annotators disagree."""

    page = "disagreements"
    button = "Decide"
    done = "Decided."
    task = forms.ModelChoiceField(Task.objects.none(), widget=forms.HiddenInput)
    rationale = forms.CharField(required=False, max_length=5000)

    def prepare(self) -> None:
        _choices(self, "task").queryset = Task.objects.collected().filter(project=self.project)
        for place in range(MOST_COMPLETIONS):
            self.fields[f"rank_{place}"] = forms.IntegerField(
                required=False, min_value=1, max_value=MOST_COMPLETIONS
            )

    def perform(self, user: User) -> None:
        ranks = [self.cleaned_data[f"rank_{place}"] for place in range(MOST_COMPLETIONS)]
        adjudication.decide(
            project=self.project,
            task=self.cleaned_data["task"],
            user=user,
            ranks=[rank for rank in ranks if rank is not None],
            rationale=self.cleaned_data["rationale"].strip(),
        )


ACTIONS: dict[str, type[Action]] = {
    "fit": FitForm,
    "retrain": RetrainForm,
    "train": TrainForm,
    "sample": SampleForm,
    "compare": CompareForm,
    "settings": SettingsForm,
    "ask": AskForm,
    "tasks": TasksForm,
    "import": ImportForm,
    "export": ExportForm,
    "invite": InviteForm,
    "activate": ActivateForm,
    "current": CurrentForm,
    "control": ControlForm,
    "gold": GoldForm,
    "unmark": UnmarkForm,
    "pause": PauseForm,
    "resume": ResumeForm,
    "resolve": ResolveForm,
    "withdraw": WithdrawForm,
    "decide": DecideForm,
}


def forms_of(page: str, project: Project, bad: tuple[str, Action] | None = None) -> dict[str, Action]:
    """The forms of a page by name, with the one that was sent and is wrong in its place."""
    forms = {name: kind(project=project, prefix=name) for name, kind in ACTIONS.items() if kind.page == page}
    return forms | dict([bad] if bad else [])


def _annotators(project: Project) -> "QuerySet[Annotator]":
    return Annotator.objects.filter(project=project, withdrawn_at=None).order_by("pseudonym")


def _choices(form: Action, name: str) -> "forms.ModelChoiceField[Any]":
    field = form.fields[name]
    assert isinstance(field, forms.ModelChoiceField)
    return field
