"""Rates: counted in Postgres, so that they hold however many processes answer."""

import pytest
from django.test import override_settings

from annotation import tokens
from annotation.models import RequestRate
from tests.annotation.judging import at_once
from tests.api.world import Program, make_world, program, token_of

pytestmark = pytest.mark.django_db


@override_settings(API_RATE=5)
def test_more_than_a_minutes_requests_are_told_when_to_come_again() -> None:
    world = make_world()
    carol = program(world, "carol")
    answers = [carol.ask("GET", "projects/") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[5].json()["code"] == "throttled"
    # Five a minute: the next is due 12 seconds after the first, less what the test took.
    assert 1 <= int(answers[5].headers["Retry-After"]) <= 12
    # Another token has a count of its own, and so has the same token once time has passed.
    assert program(world, "carol").ask("GET", "projects/").status_code == 200
    with_time = RequestRate.objects.get(caller__contains=f"token {carol_token(carol)}")
    with_time.due_at = with_time.due_at.replace(year=with_time.due_at.year - 1)
    with_time.save()
    assert carol.ask("GET", "projects/").status_code == 200


def carol_token(carol: Program) -> int:
    token = tokens.token_of(secret=carol.headers["Authorization"].split()[1])
    assert token is not None
    return token.pk


@override_settings(API_RATE=3)
def test_a_refused_request_costs_nothing_and_does_nothing() -> None:
    world = make_world()
    carol = program(world, "carol")
    for _ in range(3):
        carol.ask("GET", "projects/")
    waits = {
        carol.ask("POST", "projects/helpful/exports/", {"kind": "pairs"}).headers["Retry-After"]
        for _ in range(9)
    }
    # Nine refusals do not push the next turn away: at 3 a minute it stays within 20 seconds.
    assert max(map(int, waits)) <= 20
    assert carol.ask("GET", "schema/").status_code == 200


@pytest.mark.django_db(transaction=True)
@override_settings(API_RATE=10)
def test_many_at_once_get_no_more_than_one_alone() -> None:
    world = make_world()
    secret = token_of(world.cast.carol)
    answers = at_once([lambda: Program(secret).ask("GET", "projects/").status_code] * 30)
    # One may have come due meanwhile (every 6 seconds one does).
    assert 10 <= answers.count(200) <= 12
    assert answers.count(200) + answers.count(429) == 30
