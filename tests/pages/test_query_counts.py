"""How many queries an annotator's page costs: as many with a long queue and a long past as with short ones.

Counts are upper bounds as they were when they were written down; each BEGIN, SAVEPOINT and COMMIT counts as one.
"""

from typing import Any

import pytest
from django.test import Client

from annotation import people
from annotation.collecting import queue, ranking
from annotation.models import Annotator, Ranking
from tests.annotation.factories import make_tasks
from tests.pages.cast import Cast, make_cast

pytestmark = pytest.mark.django_db

# page -> queries, those of the account and its session included.
MOST = {"next": 8, "submit": 8, "home": 7, "history": 13}


@pytest.fixture(params=[3, 12], ids=["few", "many"])
def alice(request: pytest.FixtureRequest) -> tuple[Client, Annotator]:
    """With as many tasks behind her as before her, of which one is in her hands."""
    cast: Cast = make_cast()
    make_tasks(cast.project, 2 * request.param, completions=4)
    annotator = people.annotator_for(project=cast.project, user=cast.alice)
    for _ in range(request.param):
        assignment = queue.claim(annotator=annotator)
        assert assignment is not None
        ranking.submit(assignment=assignment, annotator=annotator, verdict="ranked", ranks=[1, 2, 3, 4])
    client = Client()
    client.force_login(cast.alice)
    assert client.get("/projects/helpful/rank/").status_code == 200
    return client, annotator


@pytest.mark.parametrize(
    ("name", "path"),
    [("next", "/projects/helpful/rank/"), ("home", "/"), ("history", "/projects/helpful/history/")],
)
def test_a_page_costs_no_more_queries_than_it_did(
    name: str, path: str, alice: tuple[Client, Annotator], django_assert_max_num_queries: Any
) -> None:
    client, _ = alice
    with django_assert_max_num_queries(MOST[name]):
        answer = client.get(path)
    assert answer.status_code == 200


def test_a_submission_with_the_task_after_it_costs_no_more_queries_than_it_did(
    alice: tuple[Client, Annotator], django_assert_max_num_queries: Any
) -> None:
    client, annotator = alice
    before = Ranking.objects.count()
    assignment = queue.claim(annotator=annotator)
    assert assignment is not None
    ranks = {f"rank_{letter}": rank for rank, letter in enumerate("ABCD", start=1)}
    fields = {"assignment": str(assignment.public_id), "verdict": "ranked", **ranks}
    with django_assert_max_num_queries(MOST["submit"]):
        answer = client.post("/projects/helpful/rank/submit/", fields, headers={"X-Requested-With": "fetch"})
    assert 'name="assignment"' in answer.content.decode()
    assert (answer.status_code, Ranking.objects.count()) == (200, before + 1)
