"""Policies: training, sampling, comparing, and which version is current."""

from typing import Any, ClassVar

from django import forms
from django.contrib.auth.models import User

from console.forms.action import Action, RowAction, choices
from console.forms.configs import ConfigForm
from console.forms.handing_over import VersionExportForm
from rltrainer import (
    defaults,
    evaluation,
    handing_over,
    policies,
    registering,
    sampling,
    succession,
    training,
)
from rltrainer.models import PolicyVersion, Training
from rltrainer.policy.config import (
    EVALUATE_PRESETS,
    SAMPLE_PRESETS,
    SFT_BY_BASE,
    SFT_PRESETS,
    EvaluateConfig,
    SampleConfig,
    SftConfig,
)
from rltrainer.ppo.config import PRESETS as PPO_PRESETS
from rltrainer.ppo.config import PpoConfig
from runs.models import Run


class TrainForm(ConfigForm):
    """Train a policy by one algorithm."""

    page = "policies"
    algorithm: ClassVar[Training.Algorithm]
    kept: ClassVar[defaults.Kept]
    start_from = forms.ModelChoiceField(
        PolicyVersion.objects.none(), required=False, label="Start from", empty_label="the current policy"
    )

    def prepare(self) -> None:
        choices(self, "start_from").queryset = PolicyVersion.objects.filter(project=self.project)
        super().prepare()

    def stored(self) -> dict[str, Any]:
        return dict(getattr(succession.settings_of(self.project), self.kept))

    def keep_settings(self) -> None:
        defaults.keep(project=self.project, kind=self.kept, config=self.to_keep())

    def start(self, user: User, config: dict[str, Any]) -> Run:
        return training.request_training(
            project=self.project,
            algorithm=self.algorithm.value,
            start=self.cleaned_data["start_from"],
            config=config,
            created_by=user,
        )


class SftForm(TrainForm):
    """Train a policy on demonstrations."""

    button = "Train by SFT"
    explanation = "Learns to answer as the demonstrations do: the first step, before there are rankings."
    algorithm = Training.Algorithm.SFT
    kept = "sft"
    config = SftConfig
    presets = SFT_PRESETS
    by_base = SFT_BY_BASE
    elsewhere = frozenset({"base", "date"})
    first = ("epochs", "learning_rate", "batch_tokens", "lora")
    groups = {
        "Learning": ("warmup", "floor", "weight_decay", "max_grad_norm"),
        "Lengths and memory": (
            "max_prompt_tokens",
            "max_completion_tokens",
            "micro_batch_tokens",
            "gradient_checkpointing",
        ),
        "A network from scratch": ("vocabulary", "hidden", "layers", "heads", "context"),
    }
    base = forms.CharField(
        required=False,
        label="Base",
        help_text="Hub name, folder or scratch. Empty: the project's setting, else the policy above.",
    )

    def prepare(self) -> None:
        super().prepare()
        self.fields["base"].initial = self.saved.get("base", "")

    def fixed(self) -> dict[str, Any]:
        return {"base": self.cleaned_data["base"] or "chosen when it is asked for"}

    def to_keep(self) -> dict[str, Any]:
        kept = super().to_keep()
        base = self.cleaned_data["json"].get("base", self.cleaned_data["base"])
        return {name: value for name, value in kept.items() if name != "base"} | (
            {"base": base} if base else {}
        )

    def start(self, user: User, config: dict[str, Any]) -> Run:
        base = self.cleaned_data["base"]
        return super().start(user, ({"base": base} if base else {}) | config)


class GradientForm(TrainForm):
    """Train a policy against the active reward model."""

    kept = "ppo"
    config = PpoConfig
    presets = PPO_PRESETS

    def fixed(self) -> dict[str, Any]:
        return {"policy": "a policy", "reward_model": "a reward model", "algorithm": self.algorithm.value}


# What a policy gradient finds when it begins, and what only one of the two algorithms uses.
_FIXED_AT_START = frozenset({"policy", "reward_model", "algorithm", "date"})
_OF_PPO = frozenset(
    {
        "gamma",
        "lam",
        "clip",
        "value_clip",
        "whiten",
        "epochs",
        "minibatches",
        "value_learning_rate",
        "value_init",
        "update_kl_limit",
    }
)
_KL = ("kl_target", "kl_horizon", "kl_clamp", "kl_limit", "keep_every")


class PpoForm(GradientForm):
    """Train a policy by PPO."""

    button = "Train by PPO"
    explanation = (
        "Raises the active reward model's score and stays near where it starts: with a value network."
    )
    algorithm = Training.Algorithm.PPO
    elsewhere = _FIXED_AT_START | {"baseline"}
    first = ("steps", "learning_rate", "beta", "batch_prompts", "samples", "max_new_tokens", "lora")
    groups = {
        "Staying near": (*_KL, "update_kl_limit"),
        "Sampling": ("temperature", "max_prompt_tokens", "missing_eos_penalty"),
        "Learning": (
            "epochs",
            "minibatches",
            "clip",
            "value_clip",
            "gamma",
            "lam",
            "whiten",
            "entropy_coefficient",
            "value_learning_rate",
            "value_init",
            "adam_eps",
            "max_grad_norm",
        ),
    }


class ReinforceForm(GradientForm):
    """Train a policy by REINFORCE."""

    button = "Train by REINFORCE"
    explanation = (
        "Raises the active reward model's score and stays near where it starts: one step a rollout, without a value "
        "network, so with less memory."
    )
    algorithm = Training.Algorithm.REINFORCE
    elsewhere = _FIXED_AT_START | _OF_PPO
    first = (
        "steps",
        "learning_rate",
        "beta",
        "batch_prompts",
        "samples",
        "max_new_tokens",
        "baseline",
        "lora",
    )
    groups = {
        "Staying near": _KL,
        "Sampling": ("temperature", "max_prompt_tokens", "missing_eos_penalty"),
        "Learning": ("entropy_coefficient", "adam_eps", "max_grad_norm"),
    }

    def fixed(self) -> dict[str, Any]:
        return super().fixed() | self._one_step()

    def start(self, user: User, config: dict[str, Any]) -> Run:
        return super().start(user, self._one_step() | config)

    def _one_step(self) -> dict[str, None]:
        """The project's settings are PPO's too, which takes several steps a rollout."""
        return {name: None for name in ("epochs", "minibatches") if name in self.saved}


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


class SampleForm(ConfigForm):
    """Sample a policy into new tasks."""

    page = "policies"
    button = "Sample"
    config = SampleConfig
    presets = SAMPLE_PRESETS
    elsewhere = frozenset({"base", "date"})
    first = ("completions", "max_new_tokens", "temperature")
    groups = {"Drawing": ("top_k", "top_p", "tries", "max_prompt_tokens")}
    later = {"seed": "the run's number"}
    policy = forms.ModelChoiceField(
        PolicyVersion.objects.none(), required=False, empty_label="the current policy"
    )
    prompts = forms.IntegerField(min_value=1, max_value=1_000_000, initial=50)

    def prepare(self) -> None:
        choices(self, "policy").queryset = PolicyVersion.objects.filter(project=self.project)
        super().prepare()

    def stored(self) -> dict[str, Any]:
        return dict(succession.settings_of(self.project).sampling)

    def implied(self) -> dict[str, Any]:
        return {"completions": self.project.completions_per_task}

    def fixed(self) -> dict[str, Any]:
        return {"base": "a policy"}

    def keep_settings(self) -> None:
        defaults.keep(project=self.project, kind="sampling", config=self.to_keep())

    def start(self, user: User, config: dict[str, Any]) -> Run:
        return sampling.request_sampling(
            project=self.project,
            policy=self.cleaned_data["policy"],
            prompts=self.cleaned_data["prompts"],
            config=config,
            created_by=user,
        )


class CompareForm(ConfigForm):
    """Compare policies on held-out prompts."""

    page = "policies"
    button = "Compare"
    config = EvaluateConfig
    presets = EVALUATE_PRESETS
    elsewhere = frozenset({"policies", "reward_model", "date"})
    first = ("completions", "max_new_tokens", "temperature")
    groups = {}
    keeps = False
    versions = forms.ModelMultipleChoiceField(
        PolicyVersion.objects.none(), label="Policies", widget=forms.CheckboxSelectMultiple
    )

    def prepare(self) -> None:
        choices(self, "versions").queryset = PolicyVersion.objects.filter(project=self.project)
        super().prepare()

    def fixed(self) -> dict[str, Any]:
        return {"policies": ["a policy"]}

    def clean_versions(self) -> list[PolicyVersion]:
        versions = sorted(self.cleaned_data["versions"], key=lambda version: version.number)
        if len(versions) < 2:
            raise forms.ValidationError("Choose at least two policies.")
        return versions

    def start(self, user: User, config: dict[str, Any]) -> Run:
        return evaluation.request_evaluation(
            project=self.project, versions=self.cleaned_data["versions"], config=config, created_by=user
        )


class ExportPolicyForm(VersionExportForm):
    """Hand a version over to transformers or peft."""

    page = "policies"
    versions = PolicyVersion.objects.select_related("training", "artifact")

    def has_adapter(self, version: PolicyVersion) -> bool:
        return handing_over.has_adapter(version)

    def start(self, user: User, **export: Any) -> Run:
        return handing_over.request_export(created_by=user, **export)


class CurrentForm(Action):
    """Make a policy version the current one."""

    page = "policies"
    button = "Make current"
    done = "It is the current policy now."
    version = forms.ModelChoiceField(PolicyVersion.objects.none(), widget=forms.HiddenInput)

    def prepare(self) -> None:
        choices(self, "version").queryset = PolicyVersion.objects.filter(project=self.project)

    def perform(self, user: User) -> None:
        policies.make_current(
            version=self.cleaned_data["version"], why=f"Made current by {user.get_username()}."
        )


class SuccessionForm(RowAction):
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
        self.begin_with(succession.settings_of(self.project))

    def perform(self, user: User) -> None:
        succession.configure(project=self.project, **self.cleaned_data)
