"""A project is made in the browser, with what is wrong told at its field."""

from typing import Any

import pytest
from django.test import Client

from annotation.models import Project
from tests.annotation.factories import make_project, make_user

pytestmark = pytest.mark.django_db
FIELDS = {"name": "Helpful answers", "completions_per_task": "3", "annotators_per_task": "2"}


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user("olivia", is_superuser=True, is_staff=True))
    return client


def send(client: Client, **fields: Any) -> Any:
    return client.post("/admin/projects/", {**FIELDS, **fields}, follow=True)


def test_what_was_filled_in_is_the_project(client: Client) -> None:
    answer = send(client, guidelines="Be **kind**.\r\nBe brief.")
    assert answer.redirect_chain == [("/admin/projects/helpful-answers/", 302)]
    assert "Helpful answers is there." in answer.content.decode()
    project = Project.objects.get()
    assert (project.slug, project.name, project.guidelines) == (
        "helpful-answers",
        "Helpful answers",
        "Be **kind**.\nBe brief.",
    )
    assert (project.completions_per_task, project.annotators_per_task) == (3, 2)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": ""}, "Fill this in."),
        ({"name": "日本語"}, "The name has no letters for a short name: give one here."),
        ({"slug": "two words"}, "Use letters, digits, hyphens and underscores alone."),
        ({"slug": "taken"}, "already exists"),
        ({"completions_per_task": "1"}, "Value must be at least 2."),
        ({"annotators_per_task": "0"}, "Value must be at least 1."),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_made(
    client: Client, fields: dict[str, str], words: str
) -> None:
    make_project("taken")
    answer = send(client, **fields)
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert 'value="3"' in answer.content.decode() or "completions_per_task" in fields, "the rest is kept"
    assert Project.objects.count() == 1


NEW_PROJECT = '<a class="button button--primary" href="/admin/projects/">New project</a>'


@pytest.mark.parametrize("path", ["/", "/admin/"])
def test_where_there_is_no_project_an_administrator_is_led_to_make_one(client: Client, path: str) -> None:
    assert NEW_PROJECT in client.get(path).content.decode()
    make_project("helpful")
    assert NEW_PROJECT not in client.get(path).content.decode()


def test_who_may_make_no_project_is_told_of_invitations() -> None:
    dave = Client()
    dave.force_login(make_user("dave"))
    page = dave.get("/").content.decode()
    assert "Open the invitation link" in page
    assert NEW_PROJECT not in page
