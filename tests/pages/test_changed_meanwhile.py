"""What somebody changes while a task is open: the judgement is kept as it was made, or the page says why it is not."""

from typing import Any

import pytest
from django.test import Client

from annotation import people
from annotation.collecting import asking, queue
from annotation.files import intake
from annotation.models import Annotator, Assignment, Demonstration, Project, Ranking, Rating
from annotation.withdrawal.erasure import withdraw_prompt
from tests.annotation.factories import make_member, make_project, make_tasks, put

pytestmark = pytest.mark.django_db
RATED = {"score_A_quality": "4", "score_B_quality": "5"}
ANSWERS = {"rank": {"preference": "2"}, "rate": RATED, "demonstrate": {"text": "Red, I think."}}
JUDGED: dict[str, Any] = {"rank": Ranking, "rate": Rating, "demonstrate": Demonstration}
kinds = pytest.mark.parametrize("kind", ANSWERS)


def ask(project: Project, **settings: Any) -> None:
    fields = {
        "rating_axes": project.rating_axes,
        "ask_strength": True,
        "review_demonstrations": False,
        "demonstration_least_characters": 1,
    }
    asking.change(project=project, **{**fields, **settings})


def opened(kind: str) -> tuple[Client, Assignment, dict[str, str]]:
    """Alice with the page of a task of that kind, whose completions are two, and what its form holds at first."""
    project = make_project("helpful", guidelines="Be kind.")
    if kind == "demonstrate":
        put(project, "prompts", {"prompt": "Name a colour."})
    else:
        make_tasks(project, 1, completions=2)
    ask(project)
    if kind != "rank":
        project.tasks.all().delete()
        intake.create_tasks(project=project, kind=kind, completions=2 if kind == "rate" else None)
    alice = make_member(project, name="alice")
    annotator = people.annotator_for(project=project, user=alice)
    people.has_read_guidelines(annotator=annotator, version=1)
    client = Client()
    client.force_login(alice)
    page = client.get("/projects/helpful/rank/").content.decode()
    assignment = queue.claim(annotator=annotator)
    assert assignment is not None
    version = page.split('name="guidelines" value="')[1].split('"')[0]
    return client, assignment, {"assignment": str(assignment.public_id), "guidelines": version}


@kinds
def test_a_judgement_holds_the_version_that_its_page_showed_or_one_that_was_read_since(kind: str) -> None:
    client, assignment, form = opened(kind)
    people.change_project(project=assignment.project, guidelines="Be kind and brief.")
    people.change_project(project=assignment.project, guidelines="Be brief.")
    if kind == "rate":  # they read the second before they go on, on another page
        Annotator.objects.update(guidelines_read=2)
    client.post(f"/projects/helpful/{kind}/submit/", {**form, **ANSWERS[kind]})
    assert {one.guideline_version for one in JUDGED[kind].objects.all()} == {2 if kind == "rate" else 1}


@pytest.mark.parametrize(("sent", "kept"), [("9", 2), ("0", 1), ("-1", 2), ("x", 2), ("", 2), ("9" * 30, 2)])
def test_a_version_that_there_is_not_is_none(sent: str, kept: int) -> None:
    client, assignment, form = opened("rank")
    people.change_project(project=assignment.project, guidelines="Be brief.")
    client.post("/projects/helpful/rank/submit/", {**form, "guidelines": sent, "preference": "2"})
    assert Ranking.objects.get().guideline_version == kept


@kinds
def test_a_withdrawn_task_is_said_to_be_one(kind: str) -> None:
    client, assignment, form = opened(kind)
    withdraw_prompt(project=assignment.project, public_id=str(assignment.task.prompt.public_id))
    draft = client.post(f"/projects/helpful/{kind}/draft/", {**form, **ANSWERS[kind]})
    assert "A researcher has withdrawn this task" in draft.json()["error"]
    answer = client.post(f"/projects/helpful/{kind}/submit/", {**form, **ANSWERS[kind]})
    assert answer.status_code == 409
    assert "A researcher has withdrawn this task" in answer.content.decode()
    assert not JUDGED[kind].objects.exists()


def test_a_choice_stands_though_the_strength_is_asked_for_no_more() -> None:
    client, assignment, form = opened("rank")
    ask(assignment.project, ask_strength=False)
    client.post("/projects/helpful/rank/submit/", {**form, "preference": "6"})
    stored = Ranking.objects.get()
    assert (stored.strength, stored.tiers[assignment.order_shown[0]]) == (2, 2)


def test_an_order_stands_though_the_strength_is_asked_for_now() -> None:
    client, assignment, form = opened("rank")
    board = {**form, "verdict": "ranked", "rank_A": "2", "rank_B": "1"}
    missing = client.post("/projects/helpful/rank/submit/", {**board, "rank_A": "", "rank_B": ""})
    assert missing.status_code == 422
    assert 'name="rank_A"' in missing.content.decode()  # the board comes back
    client.post("/projects/helpful/rank/submit/", board)
    stored = Ranking.objects.get()
    assert (stored.strength, stored.tiers[assignment.order_shown[0]]) == (None, 2)


def test_a_score_off_the_new_scale_says_how_far_it_goes_now() -> None:
    client, assignment, form = opened("rate")
    ask(assignment.project, rating_axes=[{"name": "quality", "least": 1, "most": 4}])
    page = client.post("/projects/helpful/rate/submit/", {**form, **RATED}).content.decode()
    assert "Quality goes from 1 to 4 now." in page
    assert "Select a valid" not in page
