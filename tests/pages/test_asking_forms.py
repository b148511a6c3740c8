"""The forms of what a project asks: guidelines and numbers, axes, strength, review, and tasks of other kinds."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from annotation.models import Task
from annotation.preferences.axes import Axis
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
AXES = {
    "rating_axes-0-label": "Helpful, and kind",
    "rating_axes-0-least": "1",
    "rating_axes-0-most": "5",
    "rating_axes-0-most_words": "all one could want",
    "rating_axes-2-name": "honest",  # the second was emptied
    "rating_axes-2-optional": "on",
}
QUESTIONS = {**AXES, "ask_strength": "on", "demonstration_least_characters": 20}


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
    axes = [tuple(axis[field] for field in Axis._fields) for axis in cast.project.rating_axes]
    assert axes == [
        ("helpful_and_kind", "Helpful, and kind", 1, 5, "", "all one could want", True),
        ("honest", "Honest", 1, 7, "", "", False),
    ]
    assert (cast.project.ask_strength, cast.project.review_demonstrations) == (True, False)
    assert cast.project.demonstration_least_characters == 20


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ({}, "Fill this in."),
        ({"0-label": "!"}, "Scale 1: its label has no letters"),
        ({"0-name": "a", "0-most": "many"}, "Scale 1: &#x27;many&#x27; is no whole number."),
        ({"0-name": "a", "3-label": "A"}, "two axes are named"),
        ({"0-name": "a", "0-most": "99"}, "must span"),
    ],
)
def test_axes_that_cannot_be_are_told_and_stay_in_the_form(
    cast: Cast, axes: dict[str, str], words: str
) -> None:
    fields = {f"rating_axes-{name}": value for name, value in axes.items()}
    answer = act(cast, "ask", demonstration_least_characters=20, **fields)
    assert answer.status_code == 400
    page = answer.content.decode()
    assert words in page
    assert all(f'value="{value}"' in page for value in axes.values())


def test_axes_go_through_the_form_as_they_are(cast: Cast) -> None:
    act(cast, "ask", **QUESTIONS)
    cast.project.refresh_from_db()
    before = cast.project.rating_axes
    client = Client()
    client.force_login(cast.carol)
    page = client.get("/admin/projects/helpful/settings/").content.decode()
    inputs = [Html(tag) for tag in re.findall(r'<input [^>]*name="ask-rating_axes-[^>]*>', page)]
    sent = {one["name"].removeprefix("ask-"): one.get("value", "on") for one in inputs if one.counts}
    assert act(cast, "ask", **sent, demonstration_least_characters=20).status_code == 200
    cast.project.refresh_from_db()
    assert cast.project.rating_axes == before


class Html(dict[str, str]):
    """An input's attributes."""

    def __init__(self, tag: str) -> None:
        super().__init__(re.findall(r'([a-z]+)="([^"]*)"', tag))
        self.counts = self["type"] != "checkbox" or tag.endswith(" checked>")


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
