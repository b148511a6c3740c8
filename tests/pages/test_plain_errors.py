"""What a form says of a wrong field tells what to do, in every form of the researcher's pages."""

from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import User
from django.test import Client

from annotation.models import Project
from console.forms.actions import ACTIONS
from console.forms.plain import PlainForm
from console.forms.project import NewProjectForm
from console.pages.data import FlagForm
from console.pages.tokens import TokenForm
from console.pages.try_it import AskForm, ScoreForm
from console.pages.webhooks import WebhookForm
from tests.annotation.factories import make_project
from tests.worlds import once_a_module

pytestmark = pytest.mark.django_db
# How Django begins what says nothing of what to do.
DJANGOS = (
    "Ensure this",
    "Ensure that",
    "This field",
    "Select a valid",
    "Enter a valid",
    "The submitted file",
    "No file",
)
# Each is wrong for some kind of field.
WRONG = ("", "-1", "99999999999", "x" * 100_000, "a\0b", "no such choice")
_rows, project = once_a_module(lambda: make_project("helpful"))


def errors_of(form: forms.Form) -> list[str]:
    return [str(message) for messages in form.errors.values() for message in messages]


@pytest.mark.parametrize("name", ACTIONS)
def test_no_form_of_a_project_speaks_as_django_does(project: Project, name: str) -> None:
    form = ACTIONS[name](project=project, prefix=name)
    heard: list[str] = []
    for value in WRONG:
        data = {form.add_prefix(field): value for field in form.fields}
        heard += errors_of(ACTIONS[name](data, project=project, prefix=name))
    assert not [message for message in heard if message.startswith(DJANGOS)]


@pytest.mark.parametrize("form", [NewProjectForm, TokenForm, AskForm, ScoreForm, WebhookForm, FlagForm])
def test_the_other_forms_are_plain_too(form: type[forms.Form]) -> None:
    assert issubclass(form, PlainForm)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("gold_every", "-1", "Value must be at least 0."),
        ("gold_every", "1001", "Value must be at most 1000."),
        ("gold_every", "", "Fill this in."),
        ("gold_every", "often", "Enter a whole number."),
        ("least_gold_score", "101", "Value must be at most 100."),
    ],
)
def test_it_is_said_at_the_field(
    client: Client, project: Project, field: str, value: str, words: str
) -> None:
    client.force_login(User.objects.create_superuser("olivia"))
    sent: dict[str, Any] = {
        "control-gold_every": "0",
        "control-repeat_every": "0",
        "control-least_checks": "5",
    }
    answer = client.post("/admin/projects/helpful/control/", {**sent, f"control-{field}": value})
    page = answer.content.decode()
    assert answer.status_code == 400
    place = page.index(f'id="id_control-{field}_error"')
    assert f"<li>{words}</li>" in page[place : page.index("</div>", place)]


def test_a_fields_own_words_stay(project: Project) -> None:
    form = ACTIONS["pause"]({"pause-annotator": "", "pause-why": ""}, project=project, prefix="pause")
    assert form.errors["why"] == ["Say why: the annotator reads it."]
