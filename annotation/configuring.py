"""All that a project can be told, by command: an option a setting, made of the fields of Project that hold them."""

import json
from argparse import ArgumentTypeError, BooleanOptionalAction
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any, cast

from django.core.management.base import CommandParser
from django.db import models

from annotation.checking import control
from annotation.collecting import asking
from annotation.commands import read_text
from annotation.errors import BadRequest
from annotation.files.intake.overlap import ProjectSettings, configure_project
from annotation.models import Project
from annotation.people import create_project
from runs.writing import write

# Each is set by a function of its own; what they take, a command offers.
GENERAL = ProjectSettings.__annotations__
ASKING = asking.AskingSettings.__annotations__
CHECKED = control.ControlSettings.__annotations__
# What a project is made with; the others are set after it.
FIRST = ("name", "guidelines")
NAMES = (*GENERAL, *ASKING, *CHECKED)
# Where the column says nothing, or speaks to who reads code.
WORDS = {
    "name": "As people read it.",
    "completions_per_task": "How many completions a task has that is sampled from now on.",
    "annotators_per_task": "How many judge a task; tasks that are there follow.",
    "currency": "Three letters, as USD or EUR.",
    "rating_axes": "The scales of a rating: a list of objects with name, label, least, most, least_words, "
    "most_words and required.",
    "demonstration_least_characters": "How long a demonstration is at least.",
}
# What an option says of a setting that can be left out, and what that becomes: no option's value, since one that was
# not named is None.
NONE = "none"


class NotSet(Enum):
    """A setting that is taken away."""

    NOT_SET = NONE


NOT_SET = NotSet.NOT_SET


def add_options(parser: CommandParser) -> None:
    """An option for each setting."""
    columns = {field.name: field for field in Project._meta.concrete_fields}
    for name in NAMES:
        field = columns[name]
        words = (WORDS.get(name) or field.help_text).replace("%", "%%")
        option = f"--{name.replace('_', '-')}"
        if isinstance(field, models.BooleanField):
            parser.add_argument(option, action=BooleanOptionalAction, help=words)
        elif isinstance(field, models.JSONField | models.TextField):
            kind = "JSON" if isinstance(field, models.JSONField) else "markdown"
            parser.add_argument(option, metavar="FILE", help=f"{words} A file of {kind}; - is stdin.")
        elif field.null:
            parser.add_argument(
                option, type=_number_or_none, metavar="N", help=words.replace("Empty:", f"{NONE}:")
            )
        else:
            parser.add_argument(option, type=_type_of(field), metavar="N", help=words)


def _type_of(field: Any) -> Callable[[str], Any]:
    types: dict[type, Callable[[str], Any]] = {
        models.FloatField: float,
        models.DecimalField: _decimal,
        models.CharField: str,
    }
    return types.get(type(field), int)


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:  # which argparse does not know
        raise ArgumentTypeError(f"{text!r} is no number") from error


def _number_or_none(text: str) -> float | NotSet:
    return NOT_SET if text == NONE else float(text)


def settings_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that were named, files read. Raises BadRequest where a file is not what it should be."""
    named = {name: options[name] for name in NAMES if options.get(name) is not None}
    if "guidelines" in named:
        named["guidelines"] = read_text(named["guidelines"])
    if "rating_axes" in named:
        path = named["rating_axes"]
        try:
            named["rating_axes"] = json.loads(read_text(path))
        except ValueError as error:
            raise BadRequest(f"{path} is not JSON: {error}.") from error
    return {name: None if value is NOT_SET else value for name, value in named.items()}


@write
def create(*, slug: str, settings: Mapping[str, Any]) -> Project:
    """A project with these settings, or none. Raises BadRequest."""
    first = {name: settings[name] for name in FIRST if name in settings}
    rest = {name: value for name, value in settings.items() if name not in FIRST}
    return configure(project=create_project(slug=slug, **first), settings=rest)


@write
def configure(*, project: Project, settings: Mapping[str, Any]) -> Project:
    """Change what is named; where one of them is refused, nothing is changed. Raises BadRequest, Busy."""
    general, asking_settings, checked = (
        {name: settings[name] for name in names if name in settings} for names in (GENERAL, ASKING, CHECKED)
    )
    project = configure_project(project=project, **cast(ProjectSettings, general))
    if asking_settings:
        now = {name: getattr(project, name) for name in ASKING}
        project = asking.change(project=project, **cast(asking.AskingSettings, {**now, **asking_settings}))
    if checked:
        control.configure(project=project, **cast(control.ControlSettings, checked))
    return project


def described(project: Project) -> dict[str, Any]:
    """What a command answers: every setting as it is now, the guidelines by their version."""
    values = {name: getattr(project, name) for name in NAMES if name != "guidelines"}
    plain = {name: str(value) if isinstance(value, Decimal) else value for name, value in values.items()}
    return {"project": project.slug, "guideline_version": project.guideline_version, **plain}
