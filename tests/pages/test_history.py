"""One's own work: found by words of its prompt, with how long it took, changeable for as long as the project says."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.humanize.templatetags import humanize
from django.test import Client
from django.utils import timezone

from annotation import people
from annotation.collecting import demonstrating, queue, ranking, rating
from annotation.files import intake
from annotation.models import Annotator, Assignment, Demonstration, Project, Ranking
from tests.annotation.factories import make_member, make_project, put

pytestmark = pytest.mark.django_db
PROMPTS = ("Why does the sea taste of salt?", "Who salted the lake?", "100% of what?")


@pytest.fixture
def project() -> Project:
    helpful = make_project("helpful")
    for prompt in PROMPTS:
        put(helpful, "completions", {"prompt": prompt, "completions": [{"text": "One."}, {"text": "Two."}]})
    return helpful


@pytest.fixture
def alice(project: Project) -> User:
    return make_member(project, name="alice")


def judge_all(project: Project, user: User) -> Annotator:
    annotator = people.annotator_for(project=project, user=user)
    while in_hand := queue.claim(annotator=annotator):
        ranking.submit(
            assignment=in_hand, annotator=annotator, verdict="ranked", ranks=[1, 2], active_seconds=60
        )
    return annotator


def history(user: User, **query: Any) -> tuple[list[str], str]:
    """The prompts that are listed, and the whole page."""
    client = Client()
    client.force_login(user)
    answer = client.get("/projects/helpful/history/", query)
    assert answer.status_code == 200
    return [entry.prompt for entry in answer.context["entries"]], answer.content.decode()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", PROMPTS[::-1]),
        ("SEA salt", PROMPTS[:1]),
        ("lake", PROMPTS[1:2]),
        ("100%", PROMPTS[2:]),
        ("salt lake", ()),
        ("\0'\"(", ()),
    ],
)
def test_it_is_found_by_words(project: Project, alice: User, words: str, expected: tuple[str, ...]) -> None:
    judge_all(project, alice)
    listed, page = history(alice, q=words)
    assert listed == list(expected)
    assert ("Nothing found" in page) == (not listed)


def test_nobody_finds_what_others_judged(project: Project, alice: User) -> None:
    bob = make_member(project, name="bob")
    judge_all(project, alice)
    assert history(bob, q="sea")[0] == []


def test_it_says_how_long_it_took(project: Project, alice: User) -> None:
    judge_all(project, alice)
    page = history(alice)[1]
    assert "<dt>Time today</dt><dd>3 min</dd>" in page
    assert "<dt>Median each</dt><dd>1 min</dd>" in page


@pytest.mark.parametrize(("hours", "words"), [(24, "for 1 day"), (6, "for 6 h"), (0, "stays as it is")])
def test_it_can_be_changed_for_as_long_as_the_project_says(
    project: Project, alice: User, hours: int, words: str
) -> None:
    annotator = judge_all(project, alice)
    Project.objects.update(revise_hours=hours)
    page = history(alice)[1]
    assert words in page
    assert (">Change<" in page) == (hours > 0)
    last = annotator.assignments.latest("pk")
    put(project, "completions", {"prompt": "One more?", "completions": [{"text": "One."}, {"text": "Two."}]})
    client = Client()
    client.force_login(alice)
    assert ("Change last" in client.get("/projects/helpful/rank/").content.decode()) == (hours > 0)
    answer = client.get(f"/projects/helpful/history/{last.public_id}/")
    assert answer.status_code == (200 if hours else 302)


@pytest.mark.parametrize("kind", ["rate", "demonstrate"])
def test_scores_and_written_answers_can_be_changed_as_long(kind: str) -> None:
    project = make_project("helpful")
    if kind == "rate":
        put(project, "completions", {"prompt": "Why?", "completions": [{"text": "One."}, {"text": "Two."}]})
        project.tasks.all().delete()
    else:
        put(project, "prompts", {"prompt": "Why?"})
    intake.create_tasks(project=project, kind=kind)
    alice = make_member(project, name="alice")
    annotator = people.annotator_for(project=project, user=alice)
    in_hand = queue.claim(annotator=annotator)
    assert in_hand is not None
    if kind == "rate":
        rating.submit(assignment=in_hand, annotator=annotator, scores=[{"quality": 3}, {"quality": 5}])
    else:
        demonstrating.submit(assignment=in_hand, annotator=annotator, text="Because.")
    client = Client()
    client.force_login(alice)
    two_hours_ago = timezone.now() - timedelta(hours=2)
    Assignment.objects.update(closed_at=two_hours_ago)
    Demonstration.objects.update(created_at=two_hours_ago)
    for hours, status in ((3, 200), (1, 302), (0, 302)):
        Project.objects.update(revise_hours=hours)
        assert client.get(f"/projects/helpful/history/{in_hand.public_id}/").status_code == status
        assert (">Change<" in history(alice)[1]) == (status == 200)


def test_of_two_tabs_that_change_scores_the_second_is_told_and_loses_nothing() -> None:
    project = make_project("helpful")
    put(project, "completions", {"prompt": "Why?", "completions": [{"text": "One."}, {"text": "Two."}]})
    project.tasks.all().delete()
    intake.create_tasks(project=project, kind="rate")
    alice = make_member(project, name="alice")
    annotator = people.annotator_for(project=project, user=alice)
    in_hand = queue.claim(annotator=annotator)
    assert in_hand is not None
    rating.submit(assignment=in_hand, annotator=annotator, scores=[{"quality": 3}, {"quality": 5}])
    client = Client()
    client.force_login(alice)
    path = f"/projects/helpful/history/{in_hand.public_id}/"

    def opened() -> dict[str, str]:
        page = client.get(path).content.decode()
        chosen = re.findall(r'type="radio" name="([^"]+)" value="([^"]+)" checked', page)
        hidden = re.findall(r'type="hidden" name="(assignment|revises)" value="([^"]+)"', page)
        return dict(chosen + hidden)

    one, other = opened(), opened()
    first, second = sorted(name for name in one if name not in ("assignment", "revises"))
    assert client.post(path, {**one, first: "4"}).status_code == 302
    answer = client.post(path, {**other, second: "7"})
    assert answer.status_code == 422
    assert "You changed this meanwhile, maybe in another tab." in answer.content.decode()
    assert (opened()[first], opened()[second]) == ("4", other[second])
    # The page that came back changes what stands now.
    now = {**other, second: "7", "revises": opened()["revises"]}
    assert f'name="revises" value="{now["revises"]}"' in answer.content.decode()
    assert client.post(path, now).status_code == 302
    assert (opened()[first], opened()[second]) == (other[first], "7")


def test_what_was_submitted_a_moment_ago_was_submitted_just_now(
    project: Project, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge_all(project, alice)
    submitted_at = Ranking.objects.latest("pk").created_at

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Clock":
            return cls.fromtimestamp(submitted_at.timestamp(), tz)

    monkeypatch.setattr(humanize, "datetime", Clock)
    client = Client()
    client.force_login(alice)
    page = client.get("/projects/helpful/history/last/", follow=True).content.decode()
    assert "You submitted this just now and can change it" in " ".join(re.sub("<[^>]+>", "", page).split())


def test_why_none_was_ranked_is_read_again(project: Project, alice: User) -> None:
    annotator = people.annotator_for(project=project, user=alice)
    in_hand = queue.claim(annotator=annotator)
    assert in_hand is not None
    ranking.submit(assignment=in_hand, annotator=annotator, verdict="all_bad", reason="Neither says why.")
    client = Client()
    client.force_login(alice)
    page = client.get("/projects/helpful/history/").content.decode()
    assert "All bad" in page
    assert "Neither says why." in page


def test_nothing_is_searched_where_nothing_was_judged(project: Project, alice: User) -> None:
    client = Client()
    client.force_login(alice)
    assert "<search>" not in client.get("/projects/helpful/history/").content.decode()
    assert "<search>" in client.get("/projects/helpful/history/?q=zebra").content.decode()
