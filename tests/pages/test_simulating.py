"""Simulated annotators by a button: in a demo, honest about how many could be made, with something left for people."""

from typing import Any

import pytest
from django.test import Client

from annotation.collecting import queue
from annotation.models import Project, Ranking
from rewardmodel.models import Fit, RewardModelVersion
from runs.models import Artifact, Run
from tests.annotation.factories import make_annotator, make_tasks
from tests.api.world import Program, token_of
from tests.pages.cast import Cast, make_cast

pytestmark = pytest.mark.django_db
ADDRESS = "/admin/projects/helpful/simulate/"


@pytest.fixture
def cast() -> Cast:
    cast = make_cast()
    Project.objects.update(is_demo=True, annotators_per_task=1)
    cast.project.refresh_from_db()
    return cast


def press(cast: Cast, preference: str = "length", judgements: int = 5) -> Any:
    client = Client()
    client.force_login(cast.carol)
    sent = {"simulate-preference": preference, "simulate-judgements": str(judgements)}
    return client.post(ADDRESS, sent, follow=True)


def test_they_rank_as_many_as_asked(cast: Cast) -> None:
    make_tasks(cast.project, 16)
    answer = press(cast)
    assert "5 rankings by simulated annotators." in answer.content.decode()
    assert Ranking.objects.filter(annotator__simulated=True).count() == 5


def test_ten_tasks_are_left_for_people_and_that_is_said(cast: Cast) -> None:
    make_tasks(cast.project, 12)
    answer = press(cast)
    assert "2 of 5 judgements made: 10 tasks of each kind are kept for people." in answer.content.decode()
    assert Ranking.objects.count() == 2
    assert queue.claim(annotator=make_annotator(cast.project)) is not None


def test_another_project_has_no_such_button_and_refuses(cast: Cast) -> None:
    make_tasks(cast.project, 16)
    client = Client()
    client.force_login(cast.carol)
    page = client.get("/admin/projects/helpful/").content.decode()
    assert "Judge by simulated annotators" in page
    Project.objects.update(is_demo=False)
    assert "Judge by simulated annotators" not in client.get("/admin/projects/helpful/").content.decode()
    assert press(cast).status_code == 400
    assert not Ranking.objects.exists()


def ask(cast: Cast, **body: Any) -> Any:
    return Program(token_of(cast.carol)).ask("POST", "projects/helpful/simulate/", body)


def test_a_program_presses_the_same_button(cast: Cast) -> None:
    make_tasks(cast.project, 15)
    few = ask(cast, preference="noise:0.2", judgements=2)
    assert few.status_code == 201
    assert few.json() == {
        "judgements": 2,
        "rankings": 2,
        "ratings": 0,
        "demonstrations": 0,
        "kept": 10,
        "shortfall": "",
    }
    rest = ask(cast, preference="length").json()
    assert (rest["judgements"], rest["rankings"]) == (50, 3)
    assert rest["shortfall"] == "3 of 50 judgements made: 10 tasks of each kind are kept for people."
    assert Ranking.objects.filter(annotator__simulated=True).count() == Ranking.objects.count() == 5
    for wrong in ({"preference": "noise:0.5"}, {"preference": "length", "judgements": 101}, {}):
        assert ask(cast, **wrong).status_code == 400, wrong
    lacking = ask(cast, preference="reward:active")
    assert (lacking.status_code, lacking.json()["code"]) == (409, "no_reward_model")
    Project.objects.update(is_demo=False)
    refused = ask(cast, preference="length")
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_request")
    assert "in a demo alone" in refused.json()["detail"]
    assert Ranking.objects.count() == 5


def test_a_reward_model_is_offered_where_one_is_active(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.carol)
    assert "reward:active" not in client.get("/admin/projects/helpful/").content.decode()
    run = Run.objects.create(kind="fit_reward_model")
    RewardModelVersion.objects.create(
        project=cast.project,
        number=1,
        fit=Fit.objects.create(run=run, project=cast.project),
        artifact=Artifact.objects.create(digest="0" * 64, kind="reward_model", files={}, run=run),
        report={},
        is_active=True,
    )
    assert "reward:active" in client.get("/admin/projects/helpful/").content.decode()
