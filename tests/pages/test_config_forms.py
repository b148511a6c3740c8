"""Settings of fits, trainings, samplings and comparisons as forms: what is shown, what is sent, and what is refused."""

import dataclasses
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from annotation.models import Project
from console.forms.actions import ACTIONS
from console.forms.configs import ConfigForm
from rewardmodel import defaults as fit_defaults
from rewardmodel.bradley_terry.config import ContestConfig, FitConfig, ScoreConfig
from rewardmodel.bradley_terry.config import EvaluateConfig as ReportConfig
from rewardmodel.errors import BadFitConfig
from rewardmodel.models import Fit, RewardModelSettings
from rltrainer import defaults as policy_defaults
from rltrainer import policies
from rltrainer.errors import BadConfig
from rltrainer.models import Evaluation, PolicySettings, Sampling, Training
from rltrainer.policy.config import CheckConfig, EvaluateConfig, SampleConfig, SftConfig
from rltrainer.ppo.config import PpoConfig
from runs.folder.config import meanings, parse_config
from runs.models import Run
from tests.annotation.factories import make_project, put
from tests.pages.sent import sent_by
from tests.rltrainer.factories import make_policy, make_reward_model, make_snapshot
from tests.worlds import once_a_module

pytestmark = [pytest.mark.django_db, pytest.mark.long]

FORMS = ["fit", "train-sft", "train-ppo", "train-reinforce", "sample", "compare"]
# What each form has apart, written down again: everything else is a field.
APART = {
    "fit": {"base", "keep_head", "incumbent", "date"},
    "train-sft": {"base", "date"},
    "train-ppo": {"policy", "reward_model", "algorithm", "date", "baseline"},
    "train-reinforce": {
        *("policy", "reward_model", "algorithm", "date"),
        *("gamma", "lam", "clip", "value_clip", "whiten", "epochs", "minibatches"),
        *("value_learning_rate", "value_init", "update_kl_limit"),
    },
    "sample": {"base", "date"},
    "compare": {"policies", "reward_model", "date"},
}
CONFIGS: dict[str, type[Any]] = {
    "fit": FitConfig,
    "train-sft": SftConfig,
    "train-ppo": PpoConfig,
    "train-reinforce": PpoConfig,
    "sample": SampleConfig,
    "compare": EvaluateConfig,
}
NEEDED: dict[str, dict[str, Any]] = {
    "fit": {"base": "x"},
    "train-sft": {"base": "x"},
    "train-ppo": {"policy": "x", "reward_model": "y"},
    "train-reinforce": {"policy": "x", "reward_model": "y", "algorithm": "reinforce"},
    "sample": {"base": "x"},
    "compare": {"policies": ["x"]},
}
# Another value of every field: what is typed, and what is to arrive.
TYPED: dict[str, tuple[dict[str, str], Any]] = {
    "lora": ({"lora": "on", "lora_rank": "8"}, {"rank": 8, "alpha": 32.0}),
    "annotator_weights": (
        {"annotator_weights": "bob 0.5\nthe third one 0\n"},
        [{"annotator": "bob", "weight": 0.5}, {"annotator": "the third one", "weight": 0.0}],
    ),
    "gradient_checkpointing": ({"gradient_checkpointing": "on"}, True),
    "whiten": ({"whiten": ""}, False),
    "ties": ({"ties": "rao_kupper"}, "rao_kupper"),
    "tracker": ({"tracker": "tensorboard"}, "tensorboard"),
    "baseline": ({"baseline": "batch_mean"}, "batch_mean"),
    "value_init": ({"value_init": "policy"}, "policy"),
    "device": ({"device": "cpu"}, "cpu"),
    "hidden": ({"hidden": "320"}, 320),
    "heads": ({"heads": "2"}, 2),
    "vocabulary": ({"vocabulary": "2000"}, 2000),
    "missing_eos_penalty": ({"missing_eos_penalty": ""}, None),
    "update_kl_limit": ({"update_kl_limit": ""}, None),
}
FRACTIONS = {
    *("margin", "label_smoothing", "centering", "learning_rate", "tie_learning_rate", "warmup", "floor"),
    *(
        "weight_decay",
        "max_grad_norm",
        "beta",
        "kl_target",
        "kl_clamp",
        "temperature",
        "gamma",
        "lam",
        "clip",
    ),
    *("value_clip", "entropy_coefficient", "value_learning_rate", "adam_eps", "kl_limit", "top_p"),
    "checkpoint_seconds",
}


def settings_of(form: str) -> list[str]:
    return [f.name for f in dataclasses.fields(CONFIGS[form]) if f.name not in APART[form]]


def another(name: str) -> tuple[dict[str, str], Any]:
    """What is typed for another value of a field, and what is to arrive."""
    return TYPED.get(name) or (({name: "0.25"}, 0.25) if name in FRACTIONS else ({name: "7"}, 7))


def with_versions() -> Project:
    helpful = make_project("helpful", name="Helpful answers")
    put(helpful, "prompts", {"prompt": "Held out?", "split": "test"}, {"prompt": "Learnt?", "split": "train"})
    put(helpful, "demonstrations", {"prompt": "Learnt?", "completion": "Yes."})
    for number in (1, 2):
        make_policy(helpful, number)
    policies.make_current(version=helpful.policy_versions.get(number=2), why="By hand.")
    reward_model = make_reward_model(helpful, 1, make_snapshot(helpful, "one"))
    helpful.reward_model_versions.filter(pk=reward_model.pk).update(is_active=True)
    return helpful


_rows, project = once_a_module(with_versions)


@pytest.fixture
def carol(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("carol"))
    return client


def page_of(form: str) -> str:
    return f"/admin/projects/helpful/{'reward-models' if form == 'fit' else 'policies'}/"


def shown(carol: Client, form: str) -> dict[str, Any]:
    """What the browser sends of the form as it stands on the page."""
    data = sent_by(carol.get(page_of(form)).content.decode(), form)
    if form == "compare":
        data["compare-versions"] = [one.pk for one in Project.objects.get().policy_versions.all()]
    return data


@pytest.fixture(scope="module")
def _shown_before() -> dict[str, dict[str, Any]]:
    return {}


@pytest.fixture
def as_shown(
    _shown_before: dict[str, dict[str, Any]], carol: Client, project: Project, form: str
) -> dict[str, Any]:
    """The same of the test's form while nothing is changed: drawn once, for a page of all forms takes long."""
    if form not in _shown_before:
        _shown_before[form] = shown(carol, form)
    return _shown_before[form]


def typed(form: str, data: dict[str, Any], values: dict[str, str]) -> dict[str, Any]:
    """``data`` after somebody typed; an empty text unticks a box."""
    named = {f"{form}-{name}": value for name, value in values.items()}
    data = data | named
    if values.get("whiten") == "":
        del data[f"{form}-whiten"]
    return data


def post(carol: Client, form: str, data: dict[str, Any]) -> Any:
    return carol.post(f"/admin/projects/helpful/{form}/", data)


def errors(answer: Any, form: str) -> dict[str, list[str]]:
    return dict(answer.context["forms"][form].errors)


def begun(form: str) -> dict[str, Any]:
    """The config of the run that was asked for last."""
    rows: dict[str, Any] = {"fit": Fit, "sample": Sampling, "compare": Evaluation}
    return dict(rows.get(form, Training).objects.latest("pk").config)


@pytest.mark.parametrize(
    "config",
    [*dict.fromkeys(CONFIGS.values()), ReportConfig, ContestConfig, ScoreConfig, CheckConfig],
    ids=lambda config: config.__name__,
)
def test_every_field_of_a_config_says_what_it_means(config: type[Any]) -> None:
    meant = meanings(config)
    assert set(meant) == {field.name for field in dataclasses.fields(config)}
    assert all(meaning.says for meaning in meant.values())


@pytest.mark.parametrize("form", FORMS)
def test_every_setting_is_on_the_page_and_as_it_stands_says_nothing(
    carol: Client, project: Project, form: str
) -> None:
    page = carol.get(page_of(form)).content.decode()
    for name in settings_of(form):
        assert f'name="{form}-{name}"' in page, name
    for name in APART[form] - {"base"}:
        assert f'name="{form}-{name}"' not in page, name
    as_shown = shown(carol, form)
    assert as_shown[f"{form}-json"] == ""
    assert post(carol, form, as_shown).status_code == 302
    assert begun(form) == {}


def test_a_field_says_its_range_its_source_and_what_it_comes_to_where_it_is_empty(project: Project) -> None:
    fit = ACTIONS["fit"](project=project, prefix="fit")
    assert fit["epochs"].help_text == (
        "Passes over the rankings of the train split: more than one overfits a pretrained base. "
        '<span class="facts">Default: 3 from scratch, 2 for a base below 20M parameters, 1 for a larger one, 1 with '
        "LoRA · at least 1 · Stiennon et al. 2009.01325</span>"
    )
    assert str(fit["epochs"].label) == "Epochs"
    assert str(fit["max_prompt_tokens"].label) == 'Longest prompt <span class="unit">tokens</span>'
    attrs = fit.fields["label_smoothing"].widget.attrs
    assert (attrs["min"], attrs["max"], attrs["step"]) == ("0", "0.5", "any")


@pytest.mark.parametrize("form", FORMS)
def test_what_is_typed_arrives_and_parses(
    carol: Client, project: Project, form: str, as_shown: dict[str, Any]
) -> None:
    """Each field alone through the form; then all at once through the page."""
    kind = ACTIONS[form]
    for name in settings_of(form):
        values, value = another(name)
        filled_in = kind(typed(form, as_shown, values), project=project, prefix=form)
        assert filled_in.is_valid(), (name, filled_in.errors)
        assert filled_in.cleaned_data["chosen"] == {name: value}
        parse_config(CONFIGS[form], {**NEEDED[form], name: value})
    together = [name for name in settings_of(form) if name != "heads"]
    everything = {key: value for name in together for key, value in another(name)[0].items()}
    assert post(carol, form, typed(form, as_shown, everything)).status_code == 302
    assert begun(form) == {name: another(name)[1] for name in together}


@pytest.mark.parametrize("form", FORMS)
def test_a_value_out_of_range_is_refused_at_its_field(
    carol: Client, project: Project, form: str, as_shown: dict[str, Any]
) -> None:
    tried = 0
    for name, meaning in meanings(CONFIGS[form]).items():
        bound = meaning.above if meaning.least is None else meaning.least
        if bound is None or name in APART[form]:
            continue
        value = "0" if meaning.least is None else f"{meaning.least - 1:g}"
        filled_in = ACTIONS[form](typed(form, as_shown, {name: value}), project=project, prefix=form)
        assert list(filled_in.errors) == [name]
        tried += 1
    assert tried > 5


@pytest.mark.parametrize(
    ("form", "field", "value", "sentence"),
    [
        ("fit", "epochs", "0", "Value must be at least 1."),
        ("fit", "label_smoothing", "0.5", "Value must be below 0.5."),
        ("fit", "learning_rate", "fast", "Enter a number."),
        ("fit", "learning_rate", "nan", "Enter a number."),
        ("fit", "seeds", "1.5", "Enter a whole number."),
        ("fit", "vocabulary", "258", "Value must be at least 259."),
        ("fit", "annotator_weights", "bob\n", "Line 1 is to be: annotator, then weight."),
        ("fit", "annotator_weights", "ann 1\nbob -1", "Line 2: weight must be at least 0, not -1.0."),
        ("fit", "heads", "7", "hidden 160 must be heads 7 times an even number"),
        ("train-sft", "lora_rank", "0", "Value must be at least 1."),
        ("train-ppo", "temperature", "0", "Value must be above 0."),
        (
            "train-reinforce",
            "baseline",
            "mine",
            "Choose one that is listed: mine is not.",
        ),
        ("sample", "top_p", "1.5", "Value must be at most 1."),
        ("compare", "resamples", "0", "Value must be at least 1."),
        ("compare", "json", "{", "This is not JSON."),
        ("compare", "json", "[1]", 'This is to be an object: {"epochs": 2}.'),
        ("sample", "json", '{"tops": 1}', "tops is not a key of SampleConfig"),
        ("sample", "json", '{"tries": 0}', "tries must be at least 1, not 0"),
    ],
)
def test_what_is_wrong_is_said_at_the_field_and_nothing_starts(
    carol: Client, form: str, as_shown: dict[str, Any], field: str, value: str, sentence: str
) -> None:
    before = Run.objects.count()
    answer = post(carol, form, typed(form, as_shown, {field: value}))
    assert answer.status_code == 400
    ((place, (words, *others)),) = errors(answer, form).items()
    assert place == ("hidden" if field == "heads" else field)
    assert words.startswith(sentence)
    assert not others
    assert Run.objects.count() == before


@pytest.mark.parametrize("form", FORMS)
def test_presets_are_configs_and_are_filled_in_by_the_server_where_nobody_typed(
    carol: Client, project: Project, form: str, as_shown: dict[str, Any]
) -> None:
    kind = ACTIONS[form]
    assert issubclass(kind, ConfigForm)
    for key, preset in kind.presets.items():
        parse_config(CONFIGS[form], {**NEEDED[form], **preset.fields})
        data = typed(form, as_shown, {"preset": key, "device": "cpu", "threads": "3"})
        filled_in = kind(data, project=project, prefix=form)
        assert filled_in.is_valid(), filled_in.errors
        assert filled_in.cleaned_data["chosen"] == {**preset.fields, "device": "cpu", "threads": 3}
        filled = kind(data | {f"{form}-filled": "1"}, project=project, prefix=form)
        assert filled.is_valid()
        assert filled.cleaned_data["chosen"] == {"device": "cpu", "threads": 3}


def test_json_wins_over_the_fields_and_the_preset(carol: Client, project: Project) -> None:
    values = {"preset": "quick", "epochs": "4", "warmup": "0.5", "json": '{"epochs": 6, "resamples": 9}'}
    assert post(carol, "fit", typed("fit", shown(carol, "fit"), values)).status_code == 302
    expected = {"epochs": 6, "warmup": 0.5, "resamples": 9, "validation_rankings": 200}
    lengths = {"max_prompt_tokens": 256, "max_completion_tokens": 256}
    assert begun("fit") == expected | lengths


def test_settings_are_kept_for_the_project_and_shown_from_then_on(carol: Client, project: Project) -> None:
    fit_defaults.keep(project=project, base="", config={"warmup": 0.5, "keep_head": False})
    data = shown(carol, "fit")
    assert data["fit-warmup"] == "0.5"
    before = Run.objects.count()
    values = {"warmup": "0.03", "epochs": "4", "base": "hub/small", "keep": "1"}
    assert post(carol, "fit", typed("fit", data, values)).status_code == 302
    kept = RewardModelSettings.objects.get(project=project)
    assert (kept.base, kept.config) == ("hub/small", {"epochs": 4, "keep_head": False})
    assert Run.objects.count() == before
    data = shown(carol, "fit")
    assert (data["fit-epochs"], data["fit-base"], data["fit-warmup"]) == ("4", "hub/small", "0.03")
    # Emptied: by the base again, whatever the project has.
    assert post(carol, "fit", typed("fit", data, {"epochs": ""})).status_code == 302
    assert begun("fit")["epochs"] is None


@pytest.mark.parametrize(
    ("form", "kept"), [("train-sft", "sft"), ("train-ppo", "ppo"), ("sample", "sampling")]
)
def test_settings_of_policies_are_kept_each_for_its_own(
    carol: Client, project: Project, form: str, kept: str
) -> None:
    values = {"max_prompt_tokens": "77", "keep": "1"}
    assert post(carol, form, typed(form, shown(carol, form), values)).status_code == 302
    row = PolicySettings.objects.get(project=project)
    expected: dict[str, dict[str, int]] = {"sft": {}, "ppo": {}, "sampling": {}} | {
        kept: {"max_prompt_tokens": 77}
    }
    assert {"sft": row.sft, "ppo": row.ppo, "sampling": row.sampling} == expected
    assert post(carol, form, shown(carol, form)).status_code == 302
    assert begun(form) == {"max_prompt_tokens": 77}


def test_settings_that_no_run_could_use_are_not_kept(project: Project) -> None:
    with pytest.raises(BadFitConfig, match="epochs must be at least 1"):
        fit_defaults.keep(project=project, base="", config={"epochs": 0})
    with pytest.raises(BadConfig, match="stepz is not a key"):
        policy_defaults.keep(project=project, kind="ppo", config={"stepz": 1})
    assert not PolicySettings.objects.exists()
    assert not RewardModelSettings.objects.exists()


def test_reinforce_takes_one_step_a_rollout_whatever_ppo_does(carol: Client, project: Project) -> None:
    policy_defaults.keep(project=project, kind="ppo", config={"epochs": 3, "steps": 5})
    assert post(carol, "train-reinforce", shown(carol, "train-reinforce")).status_code == 302
    assert begun("train-reinforce") == {"epochs": None, "steps": 5}
    training = Training.objects.latest("pk")
    parse_config(PpoConfig, {**NEEDED["train-reinforce"], **training.config})


def test_sft_learns_an_adapter_beside_the_policy_that_it_starts_from(carol: Client, project: Project) -> None:
    assert (
        post(carol, "train-sft", typed("train-sft", shown(carol, "train-sft"), {"lora": "on"})).status_code
        == 302
    )
    assert begun("train-sft") == {"lora": {"rank": 16, "alpha": 32.0}}
    scratch = typed("train-sft", shown(carol, "train-sft"), {"lora": "on", "base": "scratch"})
    answer = post(carol, "train-sft", scratch)
    assert answer.status_code == 400
    assert "LoRA learns beside a trained base" in answer.content.decode()


def test_a_projects_number_of_completions_is_the_samplings_default(carol: Client, project: Project) -> None:
    Project.objects.update(completions_per_task=3)
    data = shown(carol, "sample")
    assert (data["sample-completions"], data["sample-seed"]) == ("3", "")
    assert post(carol, "sample", data | {"sample-completions": "5", "sample-seed": "9"}).status_code == 302
    assert begun("sample") == {"completions": 5, "seed": 9}
