"""One POST stores a judgement and answers with the next task: in one transaction, each seeing what the other did."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from annotation.checking import control
from annotation.collecting import queue
from annotation.models import Annotator, Assignment, Project, Ranking, Task
from tests.annotation.factories import make_annotator, make_project, make_tasks, put
from tests.annotation.judging import at_once, taken
from tests.runs.beside import beside


def member(project: Project) -> tuple[Client, Annotator]:
    annotator = make_annotator(project)
    assert annotator.user is not None
    client = Client()
    client.force_login(annotator.user)
    return client, annotator


def submit(client: Client, assignment: Assignment, ranks: dict[str, int]) -> Any:
    fields = {"assignment": str(assignment.public_id), "verdict": "ranked", **ranks}
    path = f"/projects/{assignment.project.slug}/rank/submit/"
    return client.post(path, fields, headers={"X-Requested-With": "fetch"})


def ranks_of(assignment: Assignment, best_first: list[int]) -> dict[str, int]:
    """The form's fields that put the places of the task in this order."""
    return {
        f"rank_{letter}": best_first.index(place) + 1
        for letter, place in zip("ABC", assignment.order_shown, strict=False)
    }


def shown(answer: Any) -> Assignment:
    """The assignment whose page the answer holds."""
    open_ones = [one for one in Assignment.objects.open() if str(one.public_id) in answer.content.decode()]
    assert len(open_ones) == 1
    return open_ones[0]


@pytest.mark.django_db
def test_the_answer_holds_the_page_of_the_next_task() -> None:
    project = make_project()
    tasks = make_tasks(project, 3)
    client, annotator = member(project)
    first = taken(annotator)
    answer = submit(client, first, ranks_of(first, [2, 0, 1]))
    assert (answer.status_code, shown(answer).task) == (200, tasks[1])
    (ranking,) = Ranking.objects.all()
    assert (ranking.task, list(ranking.tiers)) == (tasks[0], [2, 3, 1])
    first.refresh_from_db()
    assert (first.status, first.draft) == ("submitted", {})


@pytest.mark.django_db
def test_what_was_held_ahead_comes_next_and_nothing_more_is_taken() -> None:
    project = make_project()
    make_tasks(project, 4)
    client, annotator = member(project)
    first = taken(annotator)
    ahead = queue.reserve(annotator=annotator)
    assert shown(submit(client, first, ranks_of(first, [0, 1, 2]))) == ahead
    assert Assignment.objects.open().count() == 1


@pytest.mark.django_db
def test_what_was_held_ahead_may_be_answered_before_what_is_in_hand_which_stays_there() -> None:
    project = make_project()
    make_tasks(project, 4)
    client, annotator = member(project)
    first = taken(annotator)
    ahead = queue.reserve(annotator=annotator)
    assert ahead is not None
    assert shown(submit(client, ahead, ranks_of(ahead, [0, 1, 2]))) == first


@pytest.mark.django_db
def test_a_judgement_that_pauses_its_annotator_is_kept_and_no_task_comes_after_it() -> None:
    project = make_project()
    for task in make_tasks(project, 2):
        texts = [{"text": f"Answer {place}", "rank": place + 1} for place in range(3)]
        put(
            project,
            "rankings",
            {"prompt": task.prompt.messages[0]["content"], "completions": texts, "annotator": "expert"},
        )
    control.mark_gold(project=project, from_annotator="expert")
    make_tasks(project, 2)
    control.configure(project=project, gold_every=1, least_checks=1, least_gold_score=0.9, pauses=True)
    client, annotator = member(project)
    pages = []
    for _ in range(2):
        assignment = taken(annotator)
        assert assignment.task.purpose == Task.Purpose.GOLD
        pages.append(submit(client, assignment, ranks_of(assignment, [2, 1, 0])).content.decode())
    assert "is 0.0% over 1" in pages[0]  # the warning stands beside the next task at once
    assert "You are paused in this project" in pages[1]
    assert Ranking.objects.filter(annotator=annotator).count() == 2
    assert not Assignment.objects.open().filter(annotator=annotator).exists()


@pytest.mark.django_db
def test_where_no_next_task_can_be_had_nothing_is_half_written(monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project()
    make_tasks(project, 2)
    client, annotator = member(project)
    first = taken(annotator)
    client.raise_request_exception = False
    with monkeypatch.context() as patch:
        patch.setattr("annotation.collecting.bookmarks.take", _break)
        assert submit(client, first, ranks_of(first, [0, 1, 2])).status_code == 500
    first.refresh_from_db()
    assert (first.status, Ranking.objects.count()) == ("open", 0)
    assert submit(client, first, ranks_of(first, [0, 1, 2])).status_code == 200
    assert Ranking.objects.count() == 1


def _break(*_: Any) -> None:
    raise RuntimeError("broken on purpose")


@pytest.mark.django_db(transaction=True)
def test_what_is_reserved_while_an_answer_waits_for_it_comes_next() -> None:
    project = make_project()
    make_tasks(project, 4)
    client, annotator = member(project)
    first = taken(annotator)
    answer = beside(
        lambda: queue.reserve(annotator=annotator), lambda: submit(client, first, ranks_of(first, [0, 1, 2]))
    )
    assert answer.status_code == 200
    after = Assignment.objects.open().get()
    assert not after.ahead
    assert str(after.public_id) in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_one_form_sent_many_times_at_once_is_one_ranking_and_leads_to_one_task() -> None:
    project = make_project()
    make_tasks(project, 5)
    client, annotator = member(project)
    first = taken(annotator)
    ranks = ranks_of(first, [1, 0, 2])

    def send() -> Any:
        browser = Client()
        browser.cookies = client.cookies
        return submit(browser, first, ranks)

    answers: list[Any] = at_once([send] * 6)
    assert [answer.status_code for answer in answers] == [200] * 6
    assert {shown(answer).pk for answer in answers} == {Assignment.objects.open().get().pk}
    assert Ranking.objects.count() == 1


@pytest.mark.django_db
def test_where_nothing_is_free_at_once_what_others_let_go_of_comes_after_the_answer() -> None:
    project = make_project(annotators_per_task=1)
    tasks = make_tasks(project, 2)
    client, annotator = member(project)
    first = taken(annotator)
    gone = taken(make_annotator(project))
    Assignment.objects.filter(pk=gone.pk).update(expires_at=timezone.now() - timedelta(minutes=1))
    assert shown(submit(client, first, ranks_of(first, [0, 1, 2]))).task == tasks[1]
    assert (
        "Nothing left"
        in submit(client, shown_to(annotator), ranks_of(shown_to(annotator), [0, 1, 2])).content.decode()
    )


def shown_to(annotator: Annotator) -> Assignment:
    """What they have in hand."""
    return Assignment.objects.open().get(annotator=annotator)
