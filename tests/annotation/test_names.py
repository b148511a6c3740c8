"""People without a name: as many as judged one thing, each told from the others by a number."""

import pytest

from annotation.models import Annotator, Project, Ranking
from tests.annotation.factories import make_project, put, ranking

pytestmark = pytest.mark.django_db


def names(project: Project, prompt: str) -> list[str]:
    """Who ranked the task of ``prompt``, in the order of the rankings."""
    rows = Ranking.objects.filter(project=project, task__prompt__messages__0__content=prompt)
    return list(rows.order_by("pk").values_list("annotator__pseudonym", flat=True))


def test_names_of_nobody_are_numbered_from_the_second_on() -> None:
    project = make_project()
    put(project, "rankings", *[ranking("one", 1, 2)] * 3)
    assert names(project, "one") == ["anonymous", "anonymous-2", "anonymous-3"]


def test_names_of_nobody_begin_anew_with_each_task() -> None:
    project = make_project()
    put(project, "rankings", ranking("one", 1, 2), ranking("two", 1, 2), ranking("one", 2, 1))
    assert names(project, "one") == ["anonymous", "anonymous-2"]
    assert names(project, "two") == ["anonymous"]


def test_names_of_nobody_go_on_where_an_earlier_file_stopped_and_named_people_do_not_count() -> None:
    """The second file differs, so it is no repetition of the first."""
    project = make_project()
    named = [ranking("one", 1, 2, annotator=name) for name in ("ann", "ben", "cid")]
    put(project, "rankings", *named, ranking("one", 1, 2))
    put(project, "rankings", ranking("one", 2, 1), ranking("two", 1, 2))
    assert names(project, "one") == ["ann", "ben", "cid", "anonymous", "anonymous-2"]
    assert names(project, "two") == ["anonymous"]
    assert Ranking.objects.current().count() == 6


def test_names_of_nobody_keep_their_turn_whatever_they_are_called_since() -> None:
    project = make_project()
    put(project, "rankings", *[ranking("one", 1, 2)] * 2)
    Annotator.objects.filter(project=project, pseudonym="anonymous").update(pseudonym="somebody")
    put(project, "rankings", ranking("two", 1, 2))
    assert names(project, "two") == ["somebody"]
