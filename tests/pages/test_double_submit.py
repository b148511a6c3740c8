"""A judgement that comes a second time and says something else: the first stands, and the page says so, once."""

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from annotation import people
from annotation.collecting import asking, queue
from annotation.files import intake
from annotation.models import Ranking
from annotation.views.judging import ANOTHER_STANDS
from tests.annotation.factories import make_member, make_project, make_tasks, put

pytestmark = pytest.mark.django_db(transaction=True)


class Deadlock(Exception):
    sqlstate = "40P01"


@pytest.mark.parametrize("given_up", [False, True])
def test_another_order_in_another_tab_is_told_once_though_postgres_gave_the_first_try_up(
    monkeypatch: pytest.MonkeyPatch, given_up: bool
) -> None:
    project = make_project("helpful")
    make_tasks(project, 2, completions=2)
    alice = make_member(project, name="alice")
    assignment = queue.claim(annotator=people.annotator_for(project=project, user=alice))
    assert assignment is not None
    client, submit = Client(), "/projects/helpful/rank/submit/"
    client.force_login(alice)
    form = {"assignment": str(assignment.public_id), "verdict": "ranked"}
    client.post(submit, {**form, "rank_A": "1", "rank_B": "2"})
    in_hand, tries = queue._in_hand, []

    def claims(*arguments: Any) -> Any:
        tries.append(arguments)
        if given_up and len(tries) == 1:
            raise OperationalError from Deadlock()
        return in_hand(*arguments)

    monkeypatch.setattr(queue, "_in_hand", claims)
    answer = client.post(
        submit, {**form, "rank_A": "2", "rank_B": "1"}, headers={"X-Requested-With": "fetch"}
    )
    assert (answer.status_code, len(tries)) == (200, 1 + given_up)
    assert answer.content.decode().count(ANOTHER_STANDS) == 1
    assert Ranking.objects.get().tiers in ([1, 2], [2, 1])


@pytest.mark.parametrize(
    ("kind", "first", "other"),
    [
        ("rank", {"preference": "1"}, {"preference": "2"}),  # the same order, less strongly
        ("rate", {"score_A_q": "5", "score_B_q": "none"}, {"score_A_q": "5", "score_B_q": "1"}),
        ("demonstrate", {"text": "Red, I think.\r\nOr blue."}, {"text": "Green, I think."}),
    ],
)
def test_another_answer_of_every_kind_is_told_and_the_same_one_is_not(
    kind: str, first: dict[str, str], other: dict[str, str]
) -> None:
    project = make_project("helpful")
    if kind == "demonstrate":
        put(project, "prompts", {"prompt": "Name a colour."})
    else:
        make_tasks(project, 1, completions=2)
    axes = [{"name": "q", "least": 1, "most": 5, "required": False}]
    asking.change(
        project=project,
        rating_axes=axes,
        ask_strength=True,
        review_demonstrations=False,
        demonstration_least_characters=1,
    )
    if kind != "rank":
        project.tasks.all().delete()
        intake.create_tasks(project=project, kind=kind, completions=2 if kind == "rate" else None)
    alice = make_member(project, name="alice")
    assignment = queue.claim(annotator=people.annotator_for(project=project, user=alice))
    assert assignment is not None
    client, page = Client(), f"/projects/helpful/{kind}"
    client.force_login(alice)
    for answer, times in ((first, 0), (first, 0), (other, 1)):
        client.post(f"{page}/submit/", {"assignment": str(assignment.public_id), **answer})
        assert client.get("/projects/helpful/rank/").content.decode().count(ANOTHER_STANDS) == times
    # Nor does its draft say that others may have the task now.
    draft = client.post(f"{page}/draft/", {"assignment": str(assignment.public_id), **other})
    assert (draft.status_code, "judged this task already" in draft.json()["error"]) == (409, True)
