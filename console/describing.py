"""A run in words: what it does, what it was made of, which of its settings differ, and what to do with what it made."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from django.urls import reverse

from annotation.models import Project
from console import downloads
from console.figures import points
from rewardmodel.bradley_terry.config import ContestConfig, FitConfig
from rewardmodel.models import Contest, RewardModelExport
from rltrainer.models import PolicyExport, Training
from rltrainer.policy.config import EvaluateConfig, SampleConfig, SftConfig
from rltrainer.ppo.config import PpoConfig
from runs.folder.config import Meaning, meanings
from runs.kinds import kind_of, runs_of
from runs.models import Artifact, Run, RunQuerySet

# Of a config, what says where something lies or what day it is: that is told as a fact.
_PLACES = frozenset(
    {"base", "policy", "policies", "reward_model", "reward_models", "incumbent", "date", "algorithm"}
)
# What the sentences below read, so that a list of runs is one query.
_READ = (
    "created_by",
    "fit__snapshot",
    "training__start",
    "training__reward_model",
    "sampling__policy",
    "evaluation",
    "transfer",
    "contest__reference",
    "choosing__version",
    "rewarding__version",
    "registration",
    "reward_model_export__version",
    "policy_export__version",
    "dataset_export",
)


class Fact(NamedTuple):
    """One line of what a run was made of; ``address`` leads to it."""

    name: str
    text: str
    address: str = ""


class Setting(NamedTuple):
    """A field of a config; ``default`` is what it is where nobody says otherwise."""

    name: str
    value: str
    default: str


class Settings(NamedTuple):
    """Those that differ from the defaults, and the rest."""

    changed: list[Setting]
    rest: list[Setting]


class Link(NamedTuple):
    """What can be done with what a run made."""

    words: str
    address: str


def described_runs(*projects: Project) -> RunQuerySet:
    """All runs of a project or of several with what a sentence about each reads."""
    return runs_of(*projects).select_related(*_READ).prefetch_related("evaluation__policies")


def sentence(run: Run) -> str:
    """What it does, in a few words."""
    say = _SENTENCES.get(run.kind)
    return say(run) if say else kind_of(run).title


def outcome(run: Run) -> str:
    """What came out, in a few words; empty before the end."""
    if run.status != Run.Status.SUCCEEDED:
        return ""
    result: dict[str, Any] = run.result
    if "reward_model" in result and run.kind == "fit_reward_model":
        accuracy = result.get("accuracy")
        right = f", accuracy {points(accuracy)}%" if accuracy is not None else ""
        return f"v{result['reward_model']}{right}{_simulated(result)}"
    if "policy" in result and run.kind in ("train_policy", "register_policy"):
        gain = result.get("gain")
        gained = f", gain {gain:+.3f}" if gain is not None else ""
        return f"v{result['policy']}{gained}{_simulated(result)}"
    names = ["completions", "tasks", "added", "lines", "rows", "prompts"]
    if run.kind == "evaluate_policy":  # its completions are those of one prompt
        names = ["prompts"]
    counts = ((name, result.get(name)) for name in names)
    return next((f"{count:,} {name}" for name, count in counts if isinstance(count, int)), "")


def _simulated(result: dict[str, Any]) -> str:
    """How many simulated rankings are behind its figure."""
    return f", {result['simulated']:,} simulated" if result.get("simulated") else ""


def facts(run: Run, project: Project) -> list[Fact]:
    """What it began with, and what it computes on."""
    tell = _FACTS.get(run.kind)
    begun_with = tell(run, project) if tell else []
    return [fact for fact in (*begun_with, Fact("Device", _computed_on(run))) if fact.text]


def settings(run: Run) -> Settings | None:
    """None for a run that has none."""
    kind = _config_class(run)
    if kind is None:
        return None
    config: dict[str, Any] = getattr(getattr(run, kind_of(run).row), "config", {})
    changed, rest, meaning_by_field = list[Setting](), list[Setting](), meanings(kind)
    for field in dataclasses.fields(kind):
        if field.name not in _PLACES:
            default = _default(field)
            value = config.get(field.name, default)
            meaning = meaning_by_field.get(field.name, Meaning(""))
            shown = (_shown(one, meaning.none) for one in (value, default))
            row = Setting(meaning.name or field.name.replace("_", " "), *shown)
            (rest if row.value == row.default else changed).append(row)
    return Settings(changed, rest)


def artifact(run: Run) -> Artifact | None:
    """What it made and is kept as files: of a version whatever run stored the same first."""
    version = getattr(getattr(run, kind_of(run).row, None), "version", None)
    return getattr(version, "artifact", None) or run.artifacts.first()


def finished_artifact(run: Run) -> Artifact | None:
    """The same, once the run has succeeded: before, its files may yet be others."""
    return artifact(run) if run.status == Run.Status.SUCCEEDED else None


def loading(run: Run) -> str:
    """The lines of Python that load what an export made, where its archive was unpacked; empty of other runs."""
    if run.status != Run.Status.SUCCEEDED or run.kind not in downloads.OF_A_FOLDER:
        return ""
    folder = run.result["folder"]
    if run.kind == "export_dataset":
        name = Path(run.result["files"][0]["path"]).parts[0]
        return f'from datasets import load_dataset\n{name} = load_dataset("{folder}", "{name}")'
    library, kind, more = _CLASSES[run.kind, _version_export(run).adapter]
    return f'from {library} import {kind}\nmodel = {kind}.from_pretrained("{folder}"{more})'


def onward(run: Run, project: Project) -> list[Link]:
    """What to do next with what a succeeded run made."""
    if run.status != Run.Status.SUCCEEDED:
        return []
    return [
        Link(words, reverse(f"admin:{page}", args=[project.slug]) + anchor)
        for words, page, anchor in _ONWARD.get(run.kind, ())
    ]


def _computed_on(run: Run) -> str:
    """Empty of a run that told nothing: it computes nothing, or is older than the telling."""
    if run.computed_on is None:
        return ""
    device, processes = run.computed_on["device"], run.computed_on["processes"]
    named = "CPU" if device == "cpu" else device
    shared = f" in each of {processes} processes" if processes > 1 else ""
    return f"{named}{shared}, torch {run.computed_on['torch']}"


def _config_class(run: Run) -> type[Any] | None:
    if run.kind == "train_policy":
        return SftConfig if run.training.algorithm == Training.Algorithm.SFT else PpoConfig
    return _CONFIGS.get(run.kind)


def _default(field: "dataclasses.Field[Any]") -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    return None if field.default_factory is dataclasses.MISSING else field.default_factory()


def _shown(value: Any, none: str = "") -> str:
    if value is None:
        return none or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(one)}" for name, one in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)


def _of_fit(run: Run) -> str:
    snapshot = run.fit.snapshot
    if snapshot is None:
        return "Fit a reward model"
    return f"Fit a reward model on {snapshot.rankings:,} ranking{'s' * (snapshot.rankings != 1)}"


def _of_training(run: Run) -> str:
    training = run.training
    named = training.get_algorithm_display()
    if training.algorithm == Training.Algorithm.SFT:
        return f"{named} of policy v{training.start.number}" if training.start else f"{named} of a new policy"
    assert training.start is not None and training.reward_model is not None  # noqa: PT018 (a constraint holds it)
    return f"{named} of policy v{training.start.number} against reward model v{training.reward_model.number}"


def _of_transfer(run: Run) -> str:
    transfer = run.transfer
    words = "Import" if transfer.direction == "import" else "Export"
    named = f" from {transfer.file_name}" if transfer.file_name else ""
    return f"{words} {transfer.get_kind_display()}{named}"


def _of_sampling(run: Run) -> str:
    return f"Sample policy v{run.sampling.policy.number} for {run.sampling.prompts:,} prompts"


def _of_evaluation(run: Run) -> str:
    numbers = sorted(policy.number for policy in run.evaluation.policies.all())
    return f"Compare policies {', '.join(f'v{number}' for number in numbers)}"


def _of_version_export(run: Run) -> str:
    export = _version_export(run)
    return f"Export {'the adapter of ' if export.adapter else ''}{export.version}"


def _version_export(run: Run) -> RewardModelExport | PolicyExport:
    export: RewardModelExport | PolicyExport = getattr(run, kind_of(run).row)
    return export


_SENTENCES: dict[str, Callable[[Run], str]] = {
    "fit_reward_model": _of_fit,
    "train_policy": _of_training,
    "sample_completions": _of_sampling,
    "evaluate_policy": _of_evaluation,
    "compare_reward_models": lambda run: f"Compare reward models with v{run.contest.reference.number}",
    "choose_tasks": lambda run: (
        f"Put tasks in the order of reward model v{run.choosing.version.number}'s doubt"
    ),
    "score_completions": lambda run: f"Score completions by {run.rewarding.version}",
    "register_policy": lambda run: f"Register {run.registration.base}",
    "import": _of_transfer,
    "export": _of_transfer,
    "export_reward_model": _of_version_export,
    "export_policy": _of_version_export,
    "export_dataset": lambda run: "Export a data set",
}
# Library, class and arguments beside the folder, of a whole version and of an adapter.
_CLASSES = {
    ("export_reward_model", False): ("transformers", "AutoModelForSequenceClassification", ""),
    ("export_reward_model", True): ("peft", "AutoPeftModelForSequenceClassification", ", num_labels=1"),
    ("export_policy", False): ("transformers", "AutoModelForCausalLM", ""),
    ("export_policy", True): ("peft", "AutoPeftModelForCausalLM", ""),
}
_CONFIGS: dict[str, type[Any]] = {
    "fit_reward_model": FitConfig,
    "sample_completions": SampleConfig,
    "evaluate_policy": EvaluateConfig,
    "compare_reward_models": ContestConfig,
}


def _fit_facts(run: Run, project: Project) -> list[Fact]:
    fit = run.fit
    compared = fit.incumbent
    return [
        Fact("Base", fit.base or "scratch"),
        Fact("Snapshot", str(fit.snapshot or "")),
        Fact("Rankings", f"{fit.snapshot.rankings:,}" if fit.snapshot else ""),
        Fact(
            "Compared with",
            f"v{compared.number}" if compared else "",
            _versions(project, "reward_models", compared),
        ),
        Fact("Asked for by", fit.why),
    ]


def _training_facts(run: Run, project: Project) -> list[Fact]:
    training = run.training
    start, reward_model = training.start, training.reward_model
    return [
        Fact("Base", str(training.config.get("base", "" if start else "scratch"))),
        Fact(
            "Started from", f"policy v{start.number}" if start else "", _versions(project, "policies", start)
        ),
        Fact(
            "Follows",
            f"reward model v{reward_model.number}" if reward_model else "",
            _versions(project, "reward_models", reward_model),
        ),
    ]


def _sampling_facts(run: Run, project: Project) -> list[Fact]:
    policy = run.sampling.policy
    return [Fact("Policy", f"v{policy.number}", _versions(project, "policies", policy))]


def _evaluation_facts(run: Run, project: Project) -> list[Fact]:
    judge = run.evaluation.reward_model
    by = f"reward model v{judge.number}" if judge else "nobody"
    return [Fact("Judged by", by, _versions(project, "reward_models", judge))]


def _contest_facts(run: Run, project: Project) -> list[Fact]:
    contest: Contest = run.contest
    numbers = sorted(contest.versions.values_list("number", flat=True))
    return [
        Fact(
            "Versions",
            ", ".join(f"v{number}" for number in numbers),
            _versions(project, "reward_models", None),
        ),
        Fact("Snapshot", str(contest.snapshot or "")),
    ]


def _transfer_facts(run: Run, project: Project) -> list[Fact]:
    transfer = run.transfer
    return [
        Fact("File", transfer.file_name),
        Fact("Split", transfer.split),
        Fact("Form of the prompts", transfer.form),
        Fact(
            "Bad lines", "left out" if transfer.skip_bad else "refuse the file" if transfer.file_name else ""
        ),
    ]


def _version_export_facts(run: Run, project: Project) -> list[Fact]:
    export = _version_export(run)
    page = "policies" if isinstance(export, PolicyExport) else "reward_models"
    return [
        Fact("Version", f"v{export.version.number}", _versions(project, page, export.version)),
        Fact("License", export.license),
    ]


_FACTS: dict[str, Callable[[Run, Project], list[Fact]]] = {
    "fit_reward_model": _fit_facts,
    "train_policy": _training_facts,
    "sample_completions": _sampling_facts,
    "evaluate_policy": _evaluation_facts,
    "compare_reward_models": _contest_facts,
    "import": _transfer_facts,
    "export": _transfer_facts,
    "score_completions": lambda run, project: [
        Fact(
            "Version",
            f"v{run.rewarding.version.number}",
            _versions(project, "reward_models", run.rewarding.version),
        )
    ],
    "export_reward_model": _version_export_facts,
    "export_policy": _version_export_facts,
    "export_dataset": lambda run, project: [Fact("License", run.dataset_export.license)],
}
_ONWARD = {
    "fit_reward_model": (
        ("Compare it with other versions", "reward_models", "#action-contest"),
        ("Train a policy against it", "policies", "#action-train"),
    ),
    "train_policy": (
        ("Compare it with other policies", "policies", "#action-compare"),
        ("Sample it into new tasks", "policies", "#action-sample"),
    ),
    "sample_completions": (("Invite people to judge them", "people", ""),),
    "evaluate_policy": (("See the policies side by side", "policies", ""),),
    "compare_reward_models": (("See them side by side", "reward_models", ""),),
    "register_policy": (("Sample it into new tasks", "policies", "#action-sample"),),
    "score_completions": (("See which it scores highest and lowest", "reward_models", ""),),
    "choose_tasks": (("See how far people agree", "quality", ""),),
    "import": (("See what is worth doing next", "project", ""),),
}


def _versions(project: Project, page: str, version: Any) -> str:
    anchor = f"#v{version.number}" if version else ""
    return reverse(f"admin:{page}", args=[project.slug]) + anchor
