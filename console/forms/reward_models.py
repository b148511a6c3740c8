"""Reward models: fits, when they begin by themselves, and which version is active."""

from typing import Any

from django import forms
from django.contrib.auth.models import User

from console.forms.action import Action, RowAction, choices
from console.forms.configs import ConfigForm
from console.forms.handing_over import VersionExportForm
from rewardmodel import activation, choosing, contests, defaults, fits, handing_over, retraining, rewards
from rewardmodel.bradley_terry.config import BY_BASE, PRESETS, FitConfig
from rewardmodel.models import RewardModelVersion
from runs.models import Run


class FitForm(ConfigForm):
    """Fit a reward model on the rankings there are."""

    page = "reward_models"
    button = "Fit a reward model"
    config = FitConfig
    presets = PRESETS
    by_base = BY_BASE
    elsewhere = frozenset({"base", "keep_head", "incumbent", "date"})
    first = ("epochs", "learning_rate", "batch_rankings", "ties", "seeds", "lora")
    groups = {
        "Learning": ("warmup", "floor", "tie_learning_rate", "weight_decay", "max_grad_norm"),
        "What judgements say": ("margin", "label_smoothing", "centering", "annotator_weights"),
        "Lengths and memory": (
            "max_prompt_tokens",
            "max_completion_tokens",
            "micro_batch_tokens",
            "gradient_checkpointing",
        ),
        "A network from scratch": ("vocabulary", "hidden", "layers", "heads", "context"),
        "The report": ("validation_rankings", "reference_rankings", "resamples"),
    }
    base = forms.CharField(
        required=False,
        label="Base",
        help_text="Hub name, folder or scratch. Empty: the project's setting, else the current policy's trunk.",
    )
    warm = forms.BooleanField(required=False, label="Go on from the active version instead of from a base")

    def stored(self) -> dict[str, Any]:
        self.row = activation.settings_of(self.project)
        self.fields["base"].initial = self.row.base
        return dict(self.row.config)

    def fixed(self) -> dict[str, Any]:
        named = self.cleaned_data["base"] or self.row.base
        return {"base": named if named and not self.cleaned_data["warm"] else "chosen when it is asked for"}

    def keep_settings(self) -> None:
        config = self.to_keep()
        base = config.pop("base", self.cleaned_data["base"])
        defaults.keep(project=self.project, base=base, config=config)

    def start(self, user: User, config: dict[str, Any]) -> Run:
        base = self.cleaned_data["base"]
        return fits.request_fit(
            project=self.project,
            config=({"base": base} if base else {}) | config,
            warm=self.cleaned_data["warm"],
            created_by=user,
        )


class RetrainForm(RowAction):
    """When fits begin by themselves."""

    page = "reward_models"
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

    choose_next = forms.BooleanField(
        required=False, label="Whenever a new version goes live, ask first what it is unsure of"
    )

    def prepare(self) -> None:
        self.begin_with(activation.settings_of(self.project))

    def perform(self, user: User) -> None:
        retraining.configure(project=self.project, **self.cleaned_data)


class ChooseForm(Action):
    """Ask first what the active reward model is unsure of."""

    page = "reward_models"
    button = "Ask first what it is unsure of"
    explanation = (
        "The active reward model scores the completions of all open tasks. Those whose order it can tell least are "
        "asked first; tasks made later come after them, until it looks again, and a priority that somebody gave "
        "stays. Rankings asked for that reason teach more, and are left out of agreement and held-out accuracy: the "
        "share of tasks drawn at random, in the settings, is what those are measured on. Where it is 0, it becomes 0.1."
    )

    def perform(self, user: User) -> Run:
        return choosing.request_choice(project=self.project, created_by=user)


class ScoreForm(Action):
    """Have a version score the completions that it has not scored."""

    page = "reward_models"
    button = "Score completions"
    explanation = (
        "The version gives a reward to every completion of the project that it has not scored yet. The list of "
        "completions then sorts by the rewards of the active version: look among the highest for answers that please "
        "the reward model and nobody else. A run does it, and may be cancelled: what is scored stays, and the next one "
        "goes on with the rest."
    )
    version = forms.ModelChoiceField(RewardModelVersion.objects.none(), label="Version", empty_label=None)

    def prepare(self) -> None:
        choices(self, "version").queryset = RewardModelVersion.objects.filter(project=self.project)
        self.fields["version"].initial = activation.active_version(self.project)

    def perform(self, user: User) -> Run:
        return rewards.request_scoring(version=self.cleaned_data["version"], created_by=user)


class ForgetChoiceForm(Action):
    """Ask in the order in which tasks were made again."""

    page = "reward_models"
    button = "Ask in the order of their making"
    explanation = "Tasks that a reward model has put first lose that place. Priorities that people gave stay."
    done = "Tasks are asked in the order in which they were made."

    def perform(self, user: User) -> None:
        choosing.forget(project=self.project)


class ActivationForm(RowAction):
    """When a new version goes live by itself."""

    page = "reward_models"
    button = "Save when it goes live"
    done = "Saved."
    activates = forms.BooleanField(
        required=False,
        label="A new version goes live by itself, where the same held-out prompts show it better",
        help_text="Otherwise every new version waits for you.",
    )
    activation_prompts = forms.IntegerField(
        min_value=1,
        max_value=1_000_000,
        label="On so many held-out prompts at least",
        help_text="With fewer it waits: a difference on a handful of prompts is mostly chance.",
    )

    def prepare(self) -> None:
        self.begin_with(activation.settings_of(self.project))

    def perform(self, user: User) -> None:
        activation.configure(project=self.project, **self.cleaned_data)


class ContestForm(Action):
    """Compare versions on one held-out set."""

    page = "reward_models"
    button = "Compare versions"
    explanation = (
        "All of them are measured on the same held-out pairs of today's judgements: a version's own report is of the "
        "judgements that there were when it was fitted."
    )
    versions = forms.ModelMultipleChoiceField(
        RewardModelVersion.objects.none(),
        required=False,
        label="Versions",
        widget=forms.CheckboxSelectMultiple,
        help_text="None: the newest five, and the active one.",
    )

    def prepare(self) -> None:
        choices(self, "versions").queryset = RewardModelVersion.objects.filter(project=self.project)

    def perform(self, user: User) -> Run:
        return contests.request_contest(
            project=self.project, versions=list(self.cleaned_data["versions"]), created_by=user
        )


class ExportRewardModelForm(VersionExportForm):
    """Hand a version over to transformers or peft."""

    page = "reward_models"
    versions = RewardModelVersion.objects.select_related("fit", "artifact")

    def has_adapter(self, version: RewardModelVersion) -> bool:
        return handing_over.has_adapter(version)

    def start(self, user: User, **export: Any) -> Run:
        return handing_over.request_export(created_by=user, **export)


class ActivateForm(Action):
    """Make a reward model version the active one."""

    page = "reward_models"
    button = "Activate"
    done = "Activated."
    version = forms.ModelChoiceField(RewardModelVersion.objects.none(), widget=forms.HiddenInput)

    def prepare(self) -> None:
        choices(self, "version").queryset = RewardModelVersion.objects.filter(project=self.project)

    def perform(self, user: User) -> None:
        activation.activate(version=self.cleaned_data["version"], why=f"Activated by {user.get_username()}.")
