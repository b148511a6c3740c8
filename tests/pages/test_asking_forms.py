"""The forms of what a project asks: guidelines and numbers, axes, strength, review, and tasks of other kinds."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from annotation.models import Task
from console.forms.actions import ACTIONS
from tests.annotation.factories import make_tasks, put
from tests.pages.cast import Cast, make_cast

pytestmark = pytest.mark.django_db
SETTINGS: dict[str, Any] = {
    "name": "Kind answers",
    "completions_per_task": 3,
    "annotators_per_task": 2,
    "lease_seconds": 600,
    "revise_hours": 72,
    "random_share": 10,  # in percent
    "hour_cost": Decimal("15.50"),
    "currency": "EUR",
}
AXES = [{"name": "helpful", "least": 1, "most": 5}, {"name": "honest", "required": False}]
QUESTIONS = {"rating_axes": json.dumps(AXES), "ask_strength": "on", "demonstration_least_characters": 20}


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def act(cast: Cast, action: str, **fields: Any) -> Any:
    client = Client()
    client.force_login(cast.carol)
    data = {f"{action}-{name}": value for name, value in fields.items()}
    return client.post(f"/admin/projects/helpful/{action}/", data, follow=True)


def test_other_guidelines_are_a_version_and_other_numbers_are_not(cast: Cast) -> None:
    before = cast.project.guideline_version
    for guidelines, version in (("Be kind.\r\nBe brief.", before + 1), ("Be kind.\nBe brief.", before + 1)):
        answer = act(cast, "configure", guidelines=guidelines, **SETTINGS)
        assert answer.status_code == 200
        cast.project.refresh_from_db()
        assert (cast.project.guidelines, cast.project.guideline_version) == ("Be kind.\nBe brief.", version)
    assert {name: getattr(cast.project, name) for name in SETTINGS} == {**SETTINGS, "random_share": 0.1}
    assert "Be brief." in answer.content.decode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", ""),
        ("completions_per_task", 1),
        ("random_share", 101),
        ("lease_seconds", 5),
        ("revise_hours", -1),
        ("hour_cost", -1),
        ("currency", "euro"),
    ],
)
def test_a_bad_number_is_told_and_nothing_is_saved(cast: Cast, name: str, value: Any) -> None:
    assert act(cast, "configure", guidelines="New", **{**SETTINGS, name: value}).status_code == 400
    cast.project.refresh_from_db()
    assert cast.project.guidelines != "New"


def test_axes_strength_and_review_are_set(cast: Cast) -> None:
    assert act(cast, "ask", **QUESTIONS).status_code == 200
    cast.project.refresh_from_db()
    axes = [(axis["name"], axis["most"], axis["required"]) for axis in cast.project.rating_axes]
    assert axes == [("helpful", 5, True), ("honest", 7, False)]
    assert (cast.project.ask_strength, cast.project.review_demonstrations) == (True, False)
    assert cast.project.demonstration_least_characters == 20


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ('"x"', "list of 1 to 12 axes"),
        ("{", "This is not JSON."),
        ('[{"name": "a"}, {"name": "a"}]', "two axes are named"),
        ('[{"name": "a", "most": 99}]', "must span"),
    ],
)
def test_axes_that_cannot_be_are_told(cast: Cast, axes: str, words: str) -> None:
    answer = act(cast, "ask", **{**QUESTIONS, "rating_axes": axes})
    assert answer.status_code == 400
    assert words in answer.content.decode()


def test_tasks_of_other_kinds_are_made_of_the_projects_prompts(cast: Cast) -> None:
    make_tasks(cast.project, 2, completions=3)
    put(cast.project, "prompts", {"prompt": "Without answers?"})
    assert "Tasks made: 2." in act(cast, "tasks", kind="rate", prompts=50, completions=2).content.decode()
    assert "Tasks made: 1." in act(cast, "tasks", kind="demonstrate", prompts=50).content.decode()
    kinds = [task.kind for task in Task.objects.filter(project=cast.project)]
    assert sorted(kinds) == ["demonstrate"] + ["rank"] * 2 + ["rate"] * 2
    assert {task.entries.count() for task in Task.objects.filter(kind="rate")} == {2}


@pytest.mark.long
@pytest.mark.parametrize("action", ACTIONS)
def test_who_comes_to_a_forms_address_without_sending_it_is_led_to_the_form(cast: Cast, action: str) -> None:
    """As by a reload of the page that refused it."""
    client = Client()
    client.force_login(cast.carol)
    answer = client.get(f"/admin/projects/helpful/{action}/")
    assert answer.status_code == 302
    assert answer["Location"].endswith(f"#action-{action}")
    assert client.get(answer["Location"]).status_code in (200, 400)  # 400: no file to look at
