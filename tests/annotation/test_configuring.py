"""By command a project is told whatever its forms in the browser tell it."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.core.management import CommandError, call_command, load_command_class

from annotation.models import Project
from console.forms.asking import AskForm, SettingsForm
from console.forms.checking import ControlForm
from console.forms.project import NewProjectForm
from tests.annotation.factories import make_project

pytestmark = pytest.mark.django_db

AXES = [
    {"name": "tone", "least": 1, "most": 5, "least_words": "rude", "most_words": "warm", "required": False}
]
# Another value than a new project has, for each field of the forms.
OTHER_VALUES: dict[str, Any] = {
    "name": "Kind answers",
    "guidelines": "Be kind.",
    "completions_per_task": 3,
    "annotators_per_task": 2,
    "lease_seconds": 600,
    "revise_hours": 5,
    "random_share": 0.25,
    "hour_cost": "12.50",
    "currency": "EUR",
    "rating_axes": AXES,
    "ask_strength": True,
    "review_demonstrations": True,
    "demonstration_least_characters": 40,
    "gold_every": 10,
    "repeat_every": 20,
    "least_checks": 7,
    "least_gold_score": 0.6,
    "least_consistency": 0.7,
    "most_position_bias": 0.2,
    "pauses": True,
    "adjudicate_below": 0.5,
    "adjudicated_wins": True,
}


def of_forms(*kinds: type[forms.Form]) -> set[str]:
    return {name for kind in kinds for name in kind.base_fields}


def options(command: str) -> set[str]:
    parser = load_command_class("annotation", command).create_parser("manage.py", command)
    return {action.dest for action in parser._actions}


@pytest.mark.parametrize("command", ["create_project", "configure_project"])
def test_each_field_of_the_forms_is_an_option(command: str) -> None:
    fields = of_forms(SettingsForm, AskForm, ControlForm)
    assert fields == OTHER_VALUES.keys()
    # The short name says which project it is.
    assert (fields | of_forms(NewProjectForm)) - {"slug"} <= options(command)


def arguments(folder: Path) -> list[str]:
    """The command's words for ``SAID``."""
    words = []
    for name, value in OTHER_VALUES.items():
        option = f"--{name.replace('_', '-')}"
        if name in {"guidelines", "rating_axes"}:
            path = folder / name
            path.write_text(value if isinstance(value, str) else json.dumps(value))
            value = str(path)
        words += [option] if value is True else [option, str(value)]
    return words


def stands(project: Project) -> dict[str, Any]:
    project.refresh_from_db()
    values = {name: getattr(project, name) for name in OTHER_VALUES}
    axes = [{name: axis[name] for name in AXES[0]} for axis in values["rating_axes"]]
    return {**values, "hour_cost": str(values["hour_cost"]), "rating_axes": axes}


def test_a_project_is_made_and_changed_with_all_of_them(tmp_path: Path) -> None:
    output = io.StringIO()
    call_command("create_project", "kind", *arguments(tmp_path), stdout=output)
    assert stands(Project.objects.get(slug="kind")) == OTHER_VALUES
    report = json.loads(output.getvalue())
    assert {name: report[name] for name in OTHER_VALUES if name not in {"guidelines", "rating_axes"}} == {
        name: value for name, value in OTHER_VALUES.items() if name not in {"guidelines", "rating_axes"}
    }
    changed = make_project("other")
    assert all(value != OTHER_VALUES[name] for name, value in stands(changed).items())
    call_command("configure_project", "--project", "other", *arguments(tmp_path), stdout=io.StringIO())
    assert stands(changed) == OTHER_VALUES


def test_switches_are_turned_off_and_thresholds_taken_away(tmp_path: Path) -> None:
    call_command("create_project", "kind", *arguments(tmp_path), stdout=io.StringIO())
    off = ["--no-pauses", "--no-ask-strength", "--least-gold-score", "none", "--adjudicate-below", "none"]
    call_command("configure_project", "--project", "kind", *off, stdout=io.StringIO())
    project = Project.objects.get()
    assert (project.pauses, project.ask_strength) == (False, False)
    assert (project.least_gold_score, project.adjudicate_below) == (None, None)
    assert (project.least_consistency, project.review_demonstrations) == (0.7, True)


def test_a_project_may_be_called_none_and_be_told_so(tmp_path: Path) -> None:
    (tmp_path / "guidelines.md").write_text("none")
    words = ["--name", "none", "--guidelines", str(tmp_path / "guidelines.md")]
    make_project("old")
    call_command("create_project", "new", *words, stdout=io.StringIO())
    call_command("configure_project", "--project", "old", *words, stdout=io.StringIO())
    assert set(Project.objects.values_list("name", "guidelines")) == {("none", "none")}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (["--least-gold-score", "2"], "least_gold_score"),
        (["--rating-axes", "axes.json"], "The axes: axis 1"),
        (["--rating-axes", "broken.json"], "is not JSON"),
        (["--demonstration-least-characters", "0"], "The least length"),
        (["--currency", "euros"], "currency"),
        (["--hour-cost", "much"], "'much' is no number"),
    ],
)
def test_where_one_is_refused_nothing_is_changed_and_nothing_made(
    wrong: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("axes.json").write_text('[{"name": "Not a word!"}]')
    Path("broken.json").write_text("[{")
    project = make_project("old")
    before = stands(project)
    more = ["--revise-hours", "3", "--ask-strength", *wrong]
    with pytest.raises(CommandError, match=words):
        call_command("configure_project", "--project", "old", *more)
    assert stands(project) == before
    with pytest.raises(CommandError, match=words):
        call_command("create_project", "new", *more)
    assert not Project.objects.filter(slug="new").exists()


def test_help_says_what_each_is() -> None:
    text = load_command_class("annotation", "configure_project").create_parser("manage.py", "x").format_help()
    assert "95% interval" in " ".join(text.split())
    assert "none: never" in " ".join(text.split())
