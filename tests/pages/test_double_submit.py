"""A judgement that comes a second time with another order: the first stands, and the page says so, once."""

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from annotation import people
from annotation.collecting import queue
from annotation.models import Ranking
from annotation.views.ranking import ANOTHER_STANDS
from tests.annotation.factories import make_member, make_project, make_tasks

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
