"""Who may open annotators' pages, one row a page, and what they must not show."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern

from annotation import people
from annotation.collecting import queue, ranking
from annotation.files import intake
from annotation.models import Annotator, Assignment, Demonstration, Flag, Membership, Project, Prompt, Ranking
from annotation.urls import urlpatterns
from tests.pages.cast import Cast, make_cast
from tests.pages.looking import rows_written
from tests.worlds import once_a_module

pytestmark = pytest.mark.django_db

# name -> (method, path); each is of the project "helpful" and of Alice's assignment in it.
PAGES = {
    "home": ("get", "/"),
    "rank": ("get", "/projects/helpful/rank/"),
    "rank_ahead": ("get", "/projects/helpful/rank/ahead/"),
    "rank_submit": ("post", "/projects/helpful/rank/submit/"),
    "rank_draft": ("post", "/projects/helpful/rank/draft/"),
    "rank_skip": ("post", "/projects/helpful/rank/skip/"),
    "rank_flag": ("post", "/projects/helpful/rank/flag/"),
    "rank_release": ("post", "/projects/helpful/rank/release/"),
    "rate_submit": ("post", "/projects/helpful/rate/submit/"),
    "rate_draft": ("post", "/projects/helpful/rate/draft/"),
    "demonstrate_submit": ("post", "/projects/helpful/demonstrate/submit/"),
    "demonstrate_draft": ("post", "/projects/helpful/demonstrate/draft/"),
    "demonstrate_preview": ("post", "/projects/helpful/demonstrate/preview/"),
    "review": ("get", "/projects/helpful/review/"),
    "history": ("get", "/projects/helpful/history/"),
    # {assignment} is the one that the visitor names; an open one has nothing to change yet.
    "history_change": ("get", "/projects/helpful/history/{assignment}/"),
    "history_last": ("get", "/projects/helpful/history/last/"),
    "guidelines": ("get", "/projects/helpful/guidelines/"),
    "guidelines_read": ("post", "/projects/helpful/guidelines/read/"),
    # Whoever has the link may accept it: its token is the right, and "x" is none.
    "invitation": ("get", "/invitations/x/"),
    # The same for everybody, and without a word of anybody.
    "task_worker": ("get", "/task-worker.js"),
    "offline": ("get", "/offline/"),
}
OF_A_PROJECT = [name for name in PAGES if name not in {"home", "invitation", "task_worker", "offline"}]
SECRET = "a source that nobody may see"


def with_tasks() -> Cast:
    cast = make_cast()
    lines = [
        {
            "prompt": f"Question {number}",
            "completions": [{"text": f"Answer {letter}{number}", "source": SECRET} for letter in "abc"],
        }
        for number in range(3)
    ]
    intake.import_values(project=cast.project, kind="completions", values=lines)
    return cast


_with_tasks, cast = once_a_module(with_tasks)


def visit(cast: Cast, name: str | None, page: str, **fields: Any) -> Any:
    client = Client()
    if name is not None:
        client.force_login(getattr(cast, name))
    method, path = PAGES[page]
    return getattr(client, method)(path.format(**fields) if "{" in path else path, fields)


def assignment_of(cast: Cast, name: str) -> Assignment:
    """An open task in the hands of one of the cast."""
    annotator = people.annotator_for(project=cast.project, user=getattr(cast, name))
    assignment = queue.claim(annotator=annotator)
    assert assignment is not None
    return assignment


@pytest.mark.parametrize("page", OF_A_PROJECT)
@pytest.mark.parametrize("name", ["alice", "carol", "olivia"])
def test_members_and_administrators_may(cast: Cast, page: str, name: str) -> None:
    assignment = str(assignment_of(cast, name).public_id)
    # 422: the form lacks its fields; 302: onwards. Both come after the check.
    expected = {
        "rank_submit": 422,
        "rank_skip": 422,
        "rank_flag": 422,
        "rank_release": 302,
        "history_last": 302,
        # Alice's task is to be ranked, and says so to the forms of the other kinds.
        "rate_submit": 422,
        "rate_draft": 422,
        "demonstrate_submit": 422,
        "demonstrate_draft": 422,
        "history_change": 404,
        "guidelines_read": 302,
    }.get(page, 200)
    assert visit(cast, name, page, assignment=assignment).status_code == expected


@pytest.mark.parametrize("page", OF_A_PROJECT)
@pytest.mark.parametrize(("name", "status"), [("erin", 404), ("dave", 404), (None, 302)])
def test_nobody_else_may(cast: Cast, page: str, name: str | None, status: int) -> None:
    assignment = assignment_of(cast, "alice")
    assert visit(cast, name, page, assignment=str(assignment.public_id)).status_code == status
    assignment.refresh_from_db()
    assert assignment.status == Assignment.Status.OPEN


@pytest.mark.parametrize(
    "page",
    [
        "rank_submit",
        "rank_draft",
        "rank_skip",
        "rank_flag",
        "rank_release",
        "rate_submit",
        "rate_draft",
        "demonstrate_submit",
        "demonstrate_draft",
        "demonstrate_preview",
    ],
)
def test_nobody_touches_the_assignment_of_another(cast: Cast, page: str) -> None:
    assignment = assignment_of(cast, "alice")
    answer = visit(
        cast,
        "carol",
        page,
        assignment=str(assignment.public_id),
        reason="hard",
        category="broken",
        rank_A=1,
        rank_B=2,
    )
    assert answer.status_code == 404
    assignment.refresh_from_db()
    assert (assignment.status, assignment.draft) == (Assignment.Status.OPEN, {})
    assert not Ranking.objects.exists()
    assert not Flag.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_person_changes_their_own_work_alone(cast: Cast, method: str) -> None:
    assignment = assignment_of(cast, "alice")
    annotator = people.annotator_for(project=cast.project, user=cast.alice)
    ranking.submit(assignment=assignment, annotator=annotator, verdict="ranked", ranks=[1, 2, 3])
    path = f"/projects/helpful/history/{assignment.public_id}/"
    fields = {"assignment": str(assignment.public_id), "rank_A": 1, "rank_B": 1, "rank_C": 1}
    for name, status in (("carol", 404), ("olivia", 404), ("erin", 404), ("dave", 404)):
        client = Client()
        client.force_login(getattr(cast, name))
        assert getattr(client, method)(path, fields).status_code == status
    assert Ranking.objects.get().tiers == [1, 2, 3]
    client = Client()
    client.force_login(cast.alice)
    assert getattr(client, method)(path, fields).status_code == (302 if method == "post" else 200)
    assert Ranking.objects.current().get().tiers == ([1, 1, 1] if method == "post" else [1, 2, 3])


def test_nobody_reviews_what_they_wrote_or_sees_another_projects(cast: Cast) -> None:
    author = people.annotator_for(project=cast.project, user=cast.alice)
    Project.objects.update(review_demonstrations=True)
    prompt = Prompt.objects.filter(project=cast.project)[0]
    answer = intake.add_demonstration(prompt=prompt, annotator=author, text="Mine alone.")
    Demonstration.objects.filter(pk=answer.pk).update(review="waiting")
    decision = {"demonstration": str(answer.public_id), "decision": "accept", "text": answer.text}
    for name in ("alice", "erin", "dave"):
        client = Client()
        client.force_login(getattr(cast, name))
        assert b"Mine alone." not in client.get("/projects/helpful/review/").content
        assert client.post("/projects/helpful/review/", decision).status_code == 404
    answer.refresh_from_db()
    assert answer.review == "waiting"
    client = Client()
    client.force_login(cast.carol)
    assert b"Mine alone." in client.get("/projects/helpful/review/").content
    assert client.post("/projects/helpful/review/", decision).status_code == 302
    answer.refresh_from_db()
    assert answer.review == "accepted"


def test_home_lists_a_persons_own_projects(cast: Cast) -> None:
    text = visit(cast, "erin", "home").content.decode()
    assert "Haiku" in text
    assert "Helpful answers" not in text
    assert "Helpful answers" not in visit(cast, "dave", "home").content.decode()


def test_no_page_of_an_annotator_names_a_source_or_another_person(cast: Cast) -> None:
    ranked = people.annotator_for(project=cast.project, user=cast.carol)
    assignment = assignment_of(cast, "carol")
    queue.renew(assignment=assignment, annotator=ranked, draft={"rationale": "what carol thought"})
    for page in ("home", "rank", "guidelines"):
        text = visit(cast, "alice", page).content.decode()
        for word in (SECRET, "carol", "what carol thought", ranked.pseudonym):
            assert word not in text, (page, word)


def test_an_annotator_finds_the_admin_closed(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.alice)
    for path in (
        "/admin/",
        "/admin/projects/helpful/",
        "/admin/projects/helpful/data/rankings/",
        "/admin/runs/1/metrics/",
    ):
        assert client.get(path).status_code in {302, 403, 404}, path


def test_one_who_left_the_project_may_no_more(cast: Cast) -> None:
    Membership.objects.filter(project=cast.project, user=cast.alice).delete()
    assert visit(cast, "alice", "rank").status_code == 404


def test_every_page_is_in_the_table() -> None:
    assert {pattern.name for pattern in urlpatterns if isinstance(pattern, URLPattern)} == set(PAGES)


def test_an_unknown_project_is_not_found(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.olivia)
    assert not Project.objects.filter(slug="none").exists()
    assert client.get("/projects/none/rank/").status_code == 404


def test_a_draft_that_is_not_whole_is_told_as_json(cast: Cast) -> None:
    assignment = str(assignment_of(cast, "alice").public_id)
    answer = visit(cast, "alice", "rank_draft", assignment=assignment, rank_A="first")
    assert answer.status_code == 422
    assert "error" in json.loads(answer.content)


LOOKS = ("/", "/projects/helpful/guidelines/", "/projects/helpful/history/", "/account/tokens/", "/admin/")


@pytest.mark.parametrize("name", ["alice", "carol", "olivia"])
def test_a_look_makes_nobody_an_annotator(cast: Cast, name: str) -> None:
    client = Client()
    client.force_login(getattr(cast, name))
    for path in LOOKS:
        assert client.get(path).status_code in {200, 302, 403}, path
    assert not Annotator.objects.filter(user=getattr(cast, name)).exists()
    assert client.get("/projects/helpful/rank/").status_code == 200
    assert Annotator.objects.get(user=getattr(cast, name)).project == cast.project


# page -> queries at most of whoever has judged something, has something in hand and something to review. What is in
# tests/pages/test_query_counts is held there with a long past and a long queue.
QUERIES = {
    "home": 8,
    "rank": 8,
    "rank_ahead": 8,
    "review": 12,
    "history": 14,
    "history_change": 14,
    "history_last": 8,
    "guidelines": 8,
    "invitation": 4,
    "task_worker": 1,
    "offline": 1,
}
# Whoever opens these takes something into their hands: the next task, the one after it, an answer to review.
TAKING = {
    "rank": {"annotation_assignment", "annotation_slot", "annotation_annotator", "annotation_bookmark"},
    "rank_ahead": {"annotation_assignment", "annotation_slot", "annotation_annotator", "annotation_bookmark"},
    "review": {"annotation_demonstration"},
}


def test_every_page_that_is_opened_is_in_the_table_of_queries() -> None:
    assert {name for name, (method, _) in PAGES.items() if method == "get"} == set(QUERIES)


@pytest.mark.parametrize("page", QUERIES)
def test_a_look_changes_nothing_and_asks_so_many_queries(cast: Cast, page: str) -> None:
    client, (judged, *_) = ranked_by_alice(cast)
    Project.objects.update(review_demonstrations=True)
    prompt = Prompt.objects.filter(project=cast.project)[0]
    author = people.annotator_for(project=cast.project, user=cast.carol)
    answer = intake.add_demonstration(prompt=prompt, annotator=author, text="Carol's.")
    Demonstration.objects.filter(pk=answer.pk).update(review="waiting")
    before = rows_written()
    with CaptureQueriesContext(connection) as queries:
        client.get(PAGES[page][1].format(assignment=judged.public_id))
    assert {table for table, _ in rows_written() ^ before} <= TAKING.get(page, set())
    sent = [one["sql"] for one in queries if not one["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert len(sent) <= QUERIES[page], sent


def test_home_asks_the_database_as_often_for_many_projects_of_others_as_for_few(
    cast: Cast, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        people.create_project(slug=f"more-{number}")
    client = Client()
    client.force_login(cast.olivia)
    with django_assert_max_num_queries(8):
        text = client.get("/").content.decode()
    assert text.count("more-") >= 20


def ranked_by_alice(cast: Cast) -> tuple[Client, list[Assignment]]:
    """Alice has ranked two tasks of three completions."""
    client = Client()
    client.force_login(cast.alice)
    annotator = people.annotator_for(project=cast.project, user=cast.alice)
    ranked = []
    for _ in range(2):
        assignment = queue.claim(annotator=annotator)
        assert assignment is not None
        ranking.submit(assignment=assignment, annotator=annotator, verdict="ranked", ranks=[1, 2, 3])
        ranked.append(assignment)
    return client, ranked


def changed(first: str, other: str, assignment: Assignment, **more: str) -> dict[str, str]:
    """A form of the ranking page."""
    ranks = {"rank_A": first, "rank_B": other, "rank_C": "3"}
    return {"assignment": str(assignment.public_id), "verdict": "ranked", **ranks, **more}


def test_the_last_ranking_has_an_address_of_its_own(cast: Cast) -> None:
    client, (_, second) = ranked_by_alice(cast)
    answer = client.get("/projects/helpful/history/last/")
    assert answer.headers["Location"] == f"/projects/helpful/history/{second.public_id}/"
    assert client.post("/projects/helpful/history/last/").status_code == 405


def test_a_form_of_one_ranking_changes_no_other(cast: Cast) -> None:
    client, (first, second) = ranked_by_alice(cast)
    form = changed("2", "1", first)
    assert client.post(f"/projects/helpful/history/{second.public_id}/", form).status_code == 404
    assert Ranking.objects.count() == 2
    assert client.post(f"/projects/helpful/history/{first.public_id}/", form).status_code == 302
    assert Ranking.objects.get(task=first.task_id, is_current=True).supersedes is not None
    assert Ranking.objects.get(task=second.task_id).is_current


def test_of_two_tabs_that_change_a_ranking_the_second_is_told_and_loses_nothing(cast: Cast) -> None:
    client, (first, _) = ranked_by_alice(cast)
    path = f"/projects/helpful/history/{first.public_id}/"
    seen = str(Ranking.objects.get(task=first.task_id).public_id)
    assert client.post(path, changed("1", "1", first, revises=seen)).status_code == 302
    answer = client.post(path, changed("2", "1", first, revises=seen))
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "You changed this meanwhile, maybe in another tab." in text
    current = Ranking.objects.get(task=first.task_id, is_current=True)
    assert sorted(current.tiers) == [1, 1, 2]
    # The page that came back changes that one.
    assert f'name="revises" value="{current.public_id}"' in text
    assert client.post(path, changed("2", "1", first, revises=str(current.public_id))).status_code == 302
    assert Ranking.objects.filter(task=first.task_id).count() == 3
