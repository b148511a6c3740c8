"""A front end of one's own beside the page: the same rules, the same races, nothing lost or doubled."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.contrib.auth.models import User

from annotation import people
from annotation.files.intake import add_demonstration
from annotation.models import Annotator, Assignment, Project, Prompt, Ranking, Source
from concord_client import Client
from concord_client.types import AssignmentDetail
from tests.annotation.factories import make_annotator, make_member, make_project, make_tasks, put
from tests.annotation.judging import at_once, run_out, submit, taken
from tests.annotation.racing import assert_ranked_once_each, logged_in, work_through
from tests.api.world import token_of
from tests.client import front_end
from tests.client.front_end import FrontEnd
from tests.webserver import web

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]
TASKS, OVERLAP, PAGES, FRONT_ENDS = 20, 3, 2, 3


@pytest.fixture
def project() -> Project:
    return make_project(annotators_per_task=1)


@pytest.fixture
def alice(project: Project) -> User:
    return make_member(project, name="alice")


def annotator_of(project: Project, user: User) -> Annotator:
    return people.annotator_for(project=project, user=user)


def in_order(task: AssignmentDetail) -> str:
    return " ".join(one["letter"] for one in task["completions"])


class Storm(httpx.HTTPTransport):
    """A network that sends one POST in four twice at the same moment, and loses the answer to another."""

    def __init__(self) -> None:
        super().__init__()
        self._posts = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        send = super().handle_request
        if request.method != "POST":
            return send(request)
        request.read()
        self._posts += 1
        copies = 2 if self._posts % 4 == 0 else 1
        with ThreadPoolExecutor(copies) as pool:
            first, *others = pool.map(send, [request] * copies)
        for one in (first, *others):
            one.read()
            one.close()
        if self._posts % 4 == 2:
            raise httpx.ReadError("the answer is lost")
        return first


def rank_in_a_storm(address: str, token: str, slug: str, *typed: str) -> list[str]:
    """Type these lines, and then the letters of each task in their order; what was submitted."""
    lines, shown = iter(typed), list[str]()
    with Client(address, token, transport=Storm()) as client:
        end = FrontEnd(client, slug, read=lambda task: next(lines, in_order(task)), say=shown.append)
        end.work()
    # What was done and not heard of, or done twice, is no conflict with oneself.
    assert not [text for text in shown if text.startswith("Too late")], shown
    return end.submitted


def test_it_ranks_beside_pages_and_nothing_is_lost_or_doubled() -> None:
    project = make_project(annotators_per_task=OVERLAP)
    make_tasks(project, TASKS, completions=2)
    browsers = [logged_in(make_member(project)) for _ in range(PAGES)]
    users = [make_member(project) for _ in range(FRONT_ENDS)]
    tokens = [token_of(user) for user in users]
    # One skips what it sees first: whoever that leaves is more than a task needs.
    typed = [["skip not mine"], ["draft A"], ["B A"]]
    with web(workers=2) as (port, _):
        address = f"http://127.0.0.1:{port}"
        with Client(
            address, tokens[0], attempts=20
        ) as client:  # so many that the server has started meanwhile
            client.project(project.slug).get()
        page = partial(work_through, port, project.slug, skips=0)
        pages = [partial(page, cookies, number) for number, cookies in enumerate(browsers)]
        ends = [partial(rank_in_a_storm, address, token, project.slug) for token in tokens]
        first = [partial(end, *lines) for end, lines in zip(ends, typed, strict=True)]
        answers: list[Any] = at_once([*pages, *first])
        assert not [answer for answer in answers if isinstance(answer, Exception)], answers
        # What was skipped when the others had gone home is there for them still.
        rounds: list[Callable[[], Any]] = [*pages, *ends]
        answers += [work() for work in rounds]
    assert_ranked_once_each(TASKS, OVERLAP)
    by_end = [one for answer in answers if isinstance(answer, list) for one in answer]
    by_page = sum(answer["submit"] for answer in answers if isinstance(answer, Counter))
    assert len(by_end) + by_page == TASKS * OVERLAP
    stored = Ranking.objects.filter(annotator__user__in=users)
    assert sorted(str(one) for one in stored.values_list("assignment__public_id", flat=True)) == sorted(
        by_end
    )
    # More than pages alone could have left.
    assert len(by_end) >= TASKS * (OVERLAP - PAGES)
    assert Assignment.objects.filter(annotator__user__in=users, status="skipped").count() == 1


def test_what_somebody_else_has_ranked_meanwhile_is_not_ranked_again(
    project: Project, alice: User, live_server: Any
) -> None:
    make_tasks(project, 1)
    bob, shown = make_annotator(project), list[str]()

    def slowly(task: AssignmentDetail) -> str:
        run_out(Assignment.objects.get(public_id=task["id"]))
        submit(taken(bob), bob)
        return in_order(task)

    with Client(live_server.url, token_of(alice)) as client:
        end = FrontEnd(client, project.slug, read=slowly, say=shown.append)
        end.work()
    assert [text.partition(":")[0] for text in shown[1:]] == ["Too late", "Nothing is left for you."]
    assert end.submitted == []
    assert Ranking.objects.get().annotator == bob


def test_nobody_ranks_their_own_text(project: Project, alice: User, live_server: Any) -> None:
    put(project, "prompts", {"prompt": "Name a colour."})
    annotator = annotator_of(project, alice)
    add_demonstration(prompt=Prompt.objects.get(), annotator=annotator, text="Blue.")
    texts = [{"text": "Blue.", "source": Source.objects.get(annotator=annotator).name}, {"text": "Red."}]
    put(project, "completions", {"prompt": "Name a colour.", "completions": texts})
    (other,) = make_tasks(project)
    with Client(live_server.url, token_of(alice)) as client:
        FrontEnd(client, project.slug, read=in_order, say=str).work()
    assert [one.task for one in Ranking.objects.all()] == [other]


def test_it_is_used_in_a_terminal(project: Project, alice: User, live_server: Any) -> None:
    make_tasks(project, 4)
    typed = ["A B", "draft C", "C A=B", "skip too hard", "b c a", "later"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.client.front_end", project.slug],
        cwd=settings.BASE_DIR,
        env={
            **os.environ,
            "PYTHONPATH": "client",
            "CONCORD_URL": live_server.url,
            "CONCORD_TOKEN": token_of(alice),
        },
        input="\n".join(typed),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Not so:" in done.stdout  # two letters of three
    assert "So far: C" in done.stdout
    assert done.stdout.count("[A] ") == len(typed)
    annotator = annotator_of(project, alice)
    statuses = Assignment.objects.filter(annotator=annotator).order_by("pk").values_list("status", flat=True)
    assert list(statuses) == ["submitted", "skipped", "submitted", "released"]
    first, second = (said_of(one) for one in Ranking.objects.order_by("pk"))
    assert first == {"A": 2, "B": 2, "C": 1}
    assert second == {"A": 3, "B": 1, "C": 2}


def said_of(ranking: Ranking) -> dict[str, int]:
    """The stored tiers by the letters that they were shown with."""
    return {
        letter: ranking.tiers[place] for letter, place in zip("ABC", ranking.order_shown or (), strict=True)
    }


def test_it_is_no_longer_than_a_hundred_lines() -> None:
    assert len(Path(front_end.__file__).read_text().splitlines()) <= 100
