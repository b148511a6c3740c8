"""Guidelines are read before the first task, and what is new in them before the next one after a change."""

from html import unescape
from typing import Any

import pytest
from django.test import Client

from annotation import people
from annotation.collecting import queue, ranking
from annotation.models import Annotator, Assignment, GuidelineVersion, Project, Ranking
from annotation.texts.changes import Line, changed_lines
from tests.annotation.factories import make_member, make_project, make_tasks

pytestmark = pytest.mark.django_db
OLD = "Be kind.\n\nBe *brief*.\n\nSay <b>no</b> more.\n\nBe sure.\n\nNever lie.\n"
NEW = "Be kind.\n\nBe *very* brief.\n\nSay <b>no</b> more.\n\nBe sure.\n\nNever lie.\n\nSay why.\n"
RANK, READ = "/projects/helpful/rank/", "/projects/helpful/guidelines/"


@pytest.fixture
def project() -> Project:
    helpful = people.create_project(slug="helpful", guidelines=OLD, completions_per_task=3)
    make_tasks(helpful, 4)
    return helpful


@pytest.fixture
def client(project: Project) -> Client:
    of_alice = Client()
    of_alice.force_login(make_member(project, name="alice"))
    return of_alice


def read(client: Client, version: Any) -> Any:
    return client.post(f"{READ}read/", {"version": version})


def test_a_newcomer_reads_them_first_and_holds_no_task_meanwhile(project: Project, client: Client) -> None:
    answer = client.get(RANK)
    assert (answer.status_code, answer["Location"]) == (302, READ)
    assert not Assignment.objects.exists()
    page = client.get(READ).content.decode()
    assert "I have read them: start" in page
    assert "New since" not in page
    assert read(client, 1)["Location"] == RANK
    assert client.get(RANK).status_code == 200
    assert "I have read" not in client.get(READ).content.decode()


def test_a_change_is_told_beside_the_task_in_hand_and_shown_line_by_line(
    project: Project, client: Client
) -> None:
    read(client, 1)
    assert "The guidelines have changed" not in client.get(RANK).content.decode()
    in_hand = Assignment.objects.get()
    people.change_project(project=project, guidelines=NEW)
    page = client.get(RANK).content.decode()
    assert "The guidelines have changed" in page
    assert str(in_hand.public_id) in page
    changes = client.get(READ)
    assert changes.context["changes"] == [
        Line("same", "Be kind."),
        Line("removed", "Be *brief*."),
        Line("added", "Be *very* brief."),
        Line("same", "Say <b>no</b> more."),
        Line("left out", ""),
        Line("same", "Never lie."),
        Line("added", "Say why."),
    ]
    text = changes.content.decode()
    assert "<del>Be *brief*.</del>" in text
    assert "Say &lt;b&gt;no&lt;/b&gt; more." in text
    assert "I have read what is new" in text
    read(client, 2)
    assert "The guidelines have changed" not in client.get(RANK).content.decode()
    assert "New since" not in client.get(READ).content.decode()
    assert Annotator.objects.get().guidelines_read == 2


def test_a_judgement_holds_the_version_that_stood_when_it_was_made_and_its_text_is_kept(
    project: Project,
) -> None:
    annotator = people.annotator_for(project=project, user=make_member(project))
    for guidelines in (OLD, NEW, NEW, ""):
        people.change_project(project=project, guidelines=guidelines)
        annotator = Annotator.objects.get(pk=annotator.pk)
        in_hand = queue.claim(annotator=annotator)
        assert in_hand is not None
        ranking.submit(assignment=in_hand, annotator=annotator, verdict="ranked", ranks=[1, 2, 3])
    assert list(Ranking.objects.order_by("pk").values_list("guideline_version", flat=True)) == [1, 2, 2, 3]
    versions = GuidelineVersion.objects.filter(project=project).order_by("number")
    assert list(versions.values_list("number", "text")) == [(1, OLD), (2, NEW), (3, "")]


@pytest.mark.parametrize(
    ("version", "kept"), [("7", 1), ("-1", 0), ("x", 0), ("9" * 40, 0), ("", 0), ("0", 0)]
)
def test_nobody_has_read_a_version_that_is_none(
    project: Project, client: Client, version: str, kept: int
) -> None:
    client.get(RANK)
    assert read(client, version).status_code == 302
    assert Annotator.objects.get().guidelines_read == kept


def test_an_older_page_takes_nothing_back(project: Project, client: Client) -> None:
    people.change_project(project=project, guidelines=NEW)
    read(client, 2)
    read(client, 1)
    assert Annotator.objects.get().guidelines_read == 2


def test_where_there_are_none_the_first_task_comes_at_once() -> None:
    project = make_project("bare")
    make_tasks(project, 1)
    client = Client()
    client.force_login(make_member(project))
    page = client.get("/projects/bare/rank/")
    assert page.status_code == 200
    people.change_project(project=project, guidelines=OLD)
    assert client.get("/projects/bare/rank/")["Location"] == "/projects/bare/guidelines/"


def test_guidelines_that_were_taken_away_are_not_announced(project: Project, client: Client) -> None:
    read(client, 1)
    people.change_project(project=project, guidelines="")
    assert "The guidelines have changed" not in client.get(RANK).content.decode()


def test_a_look_at_them_makes_nobody_an_annotator(project: Project, client: Client) -> None:
    text = unescape(client.get(READ).content.decode())
    assert "Never lie." in text
    assert not Annotator.objects.exists()


def test_texts_that_are_the_same_but_for_empty_lines_have_no_changes() -> None:
    assert changed_lines("a\n\nb\n", "a\nb") == []
    assert changed_lines("", "a") == [Line("added", "a")]
    assert changed_lines("a", "") == [Line("removed", "a")]
