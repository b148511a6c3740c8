"""*Change last* leads to what was submitted last, of whatever kind, and is shown while there is something to change."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from annotation import people
from annotation.collecting import asking, demonstrating, queue, ranking, rating
from annotation.files import intake
from annotation.models import Assignment, Demonstration, Project, Ranking, Rating, Task
from tests.annotation.factories import make_annotator, make_member, make_project, make_tasks, put

pytestmark = pytest.mark.django_db
KINDS = ("rank", "rate", "demonstrate")
RANK, LAST = "/projects/helpful/rank/", "/projects/helpful/history/last/"


@pytest.fixture
def project() -> Project:
    """Two tasks of each kind; a second person reads what is written."""
    helpful = make_project("helpful")
    Project.objects.update(revise_hours=1)
    asking.change(
        project=helpful,
        rating_axes=[{"name": "helpful", "least": 1, "most": 7}],
        ask_strength=False,
        review_demonstrations=True,
        demonstration_least_characters=1,
    )
    make_tasks(helpful, 2, completions=3)
    intake.create_tasks(project=helpful, kind="rate")
    put(helpful, "prompts", {"prompt": "Write."}, {"prompt": "Write more."})
    intake.create_tasks(project=helpful, kind="demonstrate")
    helpful.refresh_from_db()
    return helpful


@pytest.fixture
def alice(project: Project) -> User:
    return make_member(project, name="alice")


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def judge(user: User, project: Project, kind: str) -> Assignment:
    """One task of that kind, in the place of what they hold."""
    annotator = people.annotator_for(project=project, user=user)
    for other in Assignment.objects.open().filter(annotator=annotator):
        queue.release(assignment=other, annotator=annotator)
    assignment = queue.claim(annotator=annotator, kinds=[kind])
    assert assignment is not None
    if kind == "rank":
        ranking.submit(assignment=assignment, annotator=annotator, verdict="ranked", ranks=[1, 2, 3])
    elif kind == "rate":
        rating.submit(
            assignment=assignment, annotator=annotator, scores=[{"helpful": 4}] * len(assignment.order_shown)
        )
    else:
        demonstrating.submit(assignment=assignment, annotator=annotator, text="An answer.")
    return assignment


def made_earlier(hours: float) -> None:
    """All that was submitted so far was submitted then."""
    then = timezone.now() - timedelta(hours=hours)
    Assignment.objects.filter(status="submitted").update(closed_at=then)
    for model in (Ranking, Rating, Demonstration):
        model.objects.update(created_at=then)


def offered(user: User) -> bool:
    """Whether the page of the next task has the link."""
    return LAST in client_of(user).get(RANK).content.decode()


def listed(user: User) -> bool:
    """Whether their history has something to change."""
    return ">Change<" in client_of(user).get("/projects/helpful/history/").content.decode()


@pytest.mark.parametrize("kind", KINDS)
def test_the_link_is_there_for_as_long_as_it_leads_somewhere(
    project: Project, alice: User, kind: str
) -> None:
    assert (offered(alice), listed(alice)) == (False, False)
    judge(alice, project, kind)
    assert (offered(alice), listed(alice)) == (True, True)
    made_earlier(0.9)
    assert (offered(alice), listed(alice)) == (True, True)
    made_earlier(1.1)
    assert (offered(alice), listed(alice)) == (False, False)
    answer = client_of(alice).get(LAST, follow=True)
    assert answer.redirect_chain == [(RANK, 302)]
    assert "nothing of yours that can still be changed" in answer.content.decode()


@pytest.mark.parametrize("kinds", [KINDS, KINDS[::-1], ("rate", "demonstrate", "rank")])
def test_it_leads_to_the_last_whatever_its_kind(project: Project, alice: User, kinds: Any) -> None:
    for kind in kinds:
        done = judge(alice, project, kind)
        assert (
            client_of(alice).get(LAST).headers["Location"] == f"/projects/helpful/history/{done.public_id}/"
        )


def change(user: User, kind: str, done: Assignment) -> None:
    """Another answer in the place of that one."""
    annotator = done.annotator
    if kind == "rank":
        ranking.revise(
            ranking=ranking.revisable(annotator).get(task=done.task), verdict="ranked", ranks=[3, 2, 1]
        )
    elif kind == "rate":
        scores = [{"helpful": 2}] * len(done.order_shown)
        rating.revise(assignment=done, annotator=annotator, scores=scores)
    else:
        (old,) = demonstrating.revisable(annotator).filter(assignment=done)
        demonstrating.revise(demonstration=old, annotator=annotator, text="Another.")


@pytest.mark.parametrize("kind", KINDS)
def test_an_earlier_one_that_was_changed_is_not_the_last_for_that(
    project: Project, alice: User, kind: str
) -> None:
    """Neither beside one of its kind nor beside one of another; the history has the same first line."""
    earlier, client = judge(alice, project, kind), client_of(alice)
    for other in (kind, KINDS[KINDS.index(kind) - 1]):
        newest = judge(alice, project, other)
        change(alice, kind, earlier)
        there = f"/projects/helpful/history/{newest.public_id}/"
        assert client.get(LAST).headers["Location"] == there
        assert (
            there
            == re.findall(
                r'href="([^"]+)"[^>]*>Change<', client.get("/projects/helpful/history/").content.decode()
            )[0]
        )


def test_what_a_reviewer_edited_is_no_longer_the_authors_to_change(project: Project, alice: User) -> None:
    judge(alice, project, "demonstrate")
    bob = make_annotator(project)
    to_review = demonstrating.claim_review(reviewer=bob)
    assert to_review is not None
    demonstrating.accept(demonstration=to_review, reviewer=bob, text="A better answer.")
    assert (offered(alice), listed(alice)) == (False, False)


def test_others_have_nothing_to_change(project: Project, alice: User) -> None:
    for kind in KINDS:
        judge(alice, project, kind)
    bob = make_member(project, name="bob")
    assert (offered(bob), listed(bob)) == (False, False)


def words_of(answer: Any) -> str:
    """What a page says, without tags and addresses."""
    return " ".join(re.sub(r"<[^>]*>", " ", answer.content.decode()).split())


@pytest.mark.parametrize("kind", ["pair", "rate", "demonstrate"])
def test_where_nothing_is_ranked_no_page_speaks_of_rankings(project: Project, alice: User, kind: str) -> None:
    """Neither the page of the task, nor what it says of a wrong answer, nor of one that is changed, nor the history."""
    if kind == "pair":
        Task.objects.all().delete()
        Project.objects.update(ask_strength=True)
        make_tasks(project, 2, completions=2)
    annotator = people.annotator_for(project=project, user=alice)
    client, task_kind = client_of(alice), "rank" if kind == "pair" else kind
    first = queue.claim(annotator=annotator, kinds=[task_kind])
    assert first is not None
    whole: dict[str, str] = {
        "pair": {"verdict": "ranked", "preference": "2"},
        "rate": {f"score_{letter}_helpful": "3" for letter in "ABC"},
        "demonstrate": {"text": "An answer."},
    }[kind]
    form = {"assignment": str(first.public_id)}
    submit = f"/projects/helpful/{task_kind}/submit/"
    seen = [
        client.get(RANK),
        client.post(submit, {**form, "verdict": "all_bad"}, headers={"X-Requested-With": "fetch"}),
    ]
    assert seen[-1].status_code == 422
    client.post(submit, {**form, **whole}, headers={"X-Requested-With": "fetch"})
    change = client.get(LAST).headers["Location"]
    form["revises"] = re.findall(r'name="revises" value="([^"]+)"', client.get(change).content.decode())[0]
    seen += [client.get(change), client.post(change, {**form, **whole}, follow=True)]
    seen.append(client.get("/projects/helpful/history/"))
    (message,) = seen[3].context["messages"]
    assert re.search(r"(is|are) changed\.$", str(message))
    texts = [words_of(one) for one in (*seen[:3], seen[4])]
    assert [re.findall(r"(?i)\w*rank\w*", words) for words in (*texts, str(message))] == [[]] * 5
