"""What a person did is counted whatever its kind, as often as they were asked, and no further than a bound."""

import re
from typing import Any

import pytest
from django.test import Client

from annotation.collecting import asking, demonstrating, queue, ranking, rating
from annotation.files import intake
from annotation.models import Annotator, Project, Rating
from annotation.quality import upkeep, work
from tests.annotation.factories import make_annotator, make_member, make_project, make_tasks, put

pytestmark = pytest.mark.django_db
AXES = [{"name": "helpful", "least": 1, "most": 7}, {"name": "honest", "least": 1, "most": 5}]


@pytest.fixture
def project() -> Project:
    """Three tasks to rank, three to rate on two axes, and three answers to write, which are reviewed."""
    project = make_project()
    make_tasks(project, 3, completions=3)
    asking.change(
        project=project,
        rating_axes=AXES,
        ask_strength=False,
        review_demonstrations=True,
        demonstration_least_characters=1,
    )
    assert intake.create_tasks(project=project, kind="rate") == 3
    put(project, "prompts", *({"prompt": f"Question {number}"} for number in range(3)))
    intake.create_tasks(project=project, kind="demonstrate")
    project.refresh_from_db()
    return project


def judge_everything(annotator: Annotator) -> None:
    """A hundred seconds each, of whatever kind it is."""
    while (assignment := queue.claim(annotator=annotator)) is not None:
        common: dict[str, Any] = {"assignment": assignment, "annotator": annotator, "active_seconds": 100}
        if assignment.task.kind == "rank":
            ranking.submit(**common, verdict="ranked", ranks=[1, 2, 3])
        elif assignment.task.kind == "rate":
            rating.submit(**common, scores=[{"helpful": 4, "honest": 2}] * 3)
        else:
            demonstrating.submit(**common, text="An answer.")
    upkeep.count(project=annotator.project)


def test_every_kind_is_counted_with_its_time(project: Project) -> None:
    alice, bob, idle = make_annotator(project), make_annotator(project), make_annotator(make_project())
    judge_everything(alice)
    to_review = demonstrating.claim_review(reviewer=bob)
    assert to_review is not None
    demonstrating.accept(demonstration=to_review, reviewer=bob, text="A better answer.")
    tasks = {one: project.tasks.filter(kind=one).count() for one in ("rank", "rate", "demonstrate")}
    done = work.of([alice.pk, bob.pk, idle.pk])
    assert [str(one) for one in done[alice.pk][:4]] == [str(count) for count in (*tasks.values(), 0)]
    assert done[alice.pk].seconds == 100 * sum(tasks.values())
    assert [str(one) for one in done[bob.pk][:4]] == ["0", "0", "0", "1"]
    assert done[idle.pk] == work.Work()
    assert list(work.columns([done[alice.pk]])) == ["rankings", "ratings", "demonstrations"]
    assert list(work.columns([done[bob.pk]])) == ["reviews"]
    assert list(work.columns([])) == ["rankings"]


def test_a_changed_answer_and_an_imported_score_are_one_each(project: Project) -> None:
    alice = make_annotator(project)
    judge_everything(alice)
    mine = Rating.objects.filter(annotator=alice)
    answer = mine.latest("pk").assignment
    assert answer is not None
    before = work.of([alice.pk])[alice.pk]
    rating.revise(
        assignment=answer, annotator=alice, scores=[{"helpful": 1, "honest": 1}] * 3, active_seconds=140
    )
    after = work.of([alice.pk])[alice.pk]
    assert (after.ratings, after.seconds) == (before.ratings, before.seconds + 40)
    mine.current().filter(assignment=answer).update(assignment=None, active_seconds=None)
    assert work.of([alice.pk])[alice.pk].ratings.number == before.ratings.number - 1 + 6


def test_no_more_rows_are_read_than_the_bound_and_the_count_says_so(
    project: Project, django_assert_num_queries: Any
) -> None:
    alice = make_annotator(project)
    judge_everything(alice)
    with django_assert_num_queries(2) as queries:
        done = work.of([alice.pk], most=2)[alice.pk]
    assert queries[1]["sql"].count("LIMIT 3") == 3
    assert (done.ratings.more, str(done.demonstrations)) == (True, "2+")
    assert not done.rankings.more


@pytest.mark.parametrize("page", ["people", "annotators"])
def test_pages_of_people_show_each_kind_that_was_judged(project: Project, page: str, client: Client) -> None:
    alice = make_annotator(project)
    judge_everything(alice)
    client.force_login(make_member(project, "researcher"))
    shown = client.get(f"/admin/projects/{project.slug}/{page}/").content.decode()
    heads = re.findall(r'<th class="number">(\w+)</th>', shown)
    assert [head for head in heads if head in work.KINDS.values()] == ["Rankings", "Ratings", "Answers"]
    assert alice.user is not None
    name = alice.user.username if page == "people" else alice.pseudonym
    (of_alice,) = [row for row in shown.split("<tr>") if f'<td class="name">{name}<' in row]
    counts = [str(project.tasks.filter(kind=one).count()) for one in ("rank", "rate", "demonstrate")]
    assert re.findall(r'<td class="number">(\d+)</td>', of_alice)[:3] == counts
