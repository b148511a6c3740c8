"""The page of quality says in words and pictures what the totals hold."""

import random
import re
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from annotation.collecting import queue, ranking
from annotation.models import Ranking, StaleTask
from annotation.quality import upkeep
from console.pages import charts
from tests.annotation.factories import make_annotator, make_tasks
from tests.pages.cast import Cast, make_cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def page_of(cast: Cast) -> str:
    client = Client()
    client.force_login(cast.carol)
    return client.get(reverse("admin:quality", args=[cast.project.slug])).content.decode()


def judge(cast: Cast, tasks: int, people: int) -> None:
    """Everybody prefers what is shown first, whatever it is."""
    cast.project.annotators_per_task = people
    cast.project.save()
    make_tasks(cast.project, tasks, completions=3)
    rng = random.Random(3)
    for _ in range(people):
        annotator = make_annotator(cast.project)
        while (assignment := queue.claim(annotator=annotator, shuffle=rng)) is not None:
            ranks = [assignment.order_shown.index(place) + 1 for place in range(3)]
            ranking.submit(
                assignment=assignment, annotator=annotator, verdict="ranked", ranks=ranks, active_seconds=36
            )


def test_without_judgements_it_says_what_to_do(cast: Cast) -> None:
    Ranking.objects.all().delete()
    upkeep.rebuild(project=cast.project)
    page = page_of(cast)
    assert "no task has been ranked by two people" in page
    assert "Nobody has ranked anything yet" in page


def test_a_habit_is_named_as_one(cast: Cast) -> None:
    judge(cast, tasks=12, people=3)
    page = page_of(cast)
    assert "The completion shown earlier wins in 100.0% of pairs" in page
    assert re.search(r"Two people say the same of \d+\.\d% \(.+\) of pairs, over 12 tasks", page)
    assert page.count("<circle") >= 3
    # 36 rankings of 36 seconds.
    assert re.search(r'<td class="number">0\.4</td>', page)


def test_what_is_not_counted_yet_is_said(cast: Cast) -> None:
    """A page counts 200 changes before it is shown."""
    tasks = make_tasks(cast.project, 2)
    upkeep.changed(project_id=cast.project.pk, task_ids=[task.pk for task in tasks] * 102)
    assert "4 changes of rankings are not counted yet" in page_of(cast)
    assert StaleTask.objects.filter(project=cast.project).count() == 4
    assert "not counted yet" not in page_of(cast)


def test_a_dot_stands_where_its_value_is() -> None:
    """From x 130 to 424: 0 at 130, 1 at 424, 0.5 at 277; beyond the range at its end."""
    rows = [
        ("a", {"value": 0.5, "interval": [0.25, 2.0]}),
        ("b", None),
        ("c", {"value": 1.0, "interval": None}),
    ]
    drawn = charts.dots(rows, least=0, most=1, reference=0.5)
    assert drawn is not None
    assert [(dot.label, dot.x, dot.low, dot.high) for dot in drawn.rows] == [
        ("a", 277.0, 203.5, 424.0),
        ("c", 424.0, None, None),
    ]
    assert drawn.reference == 277.0
    assert [dot.words for dot in drawn.rows] == ["50.0% (25.0 to 200.0)", "100.0%"]
    assert [text for _, text in drawn.ticks] == ["0%", "25%", "50%", "75%", "100%"]
    assert charts.dots([("b", None)], least=0, most=1) is None


def test_a_line_runs_from_the_first_week_to_the_last() -> None:
    """Heights from 8 (the most) to 176 (the least)."""
    weeks = [
        (f"2026-W{n}", {"value": value, "interval": None}) for n, value in ((1, 0.0), (2, 1.0), (3, 0.5))
    ]
    drawn = charts.line(weeks, least=0, most=1, in_percent=True)
    assert drawn is not None
    assert drawn.path == "44.0,176.0 234.0,8.0 424.0,92.0"
    assert [text for _, text in drawn.ticks] == ["0%", "25%", "50%", "75%", "100%"]
    assert drawn.points[-1].words == "2026-W3: 50.0%"
    seconds = charts.line([("W1", {"value": 30.0, "interval": None})] * 2, least=0, most=60)
    assert seconds is not None
    assert ([text for _, text in seconds.ticks], seconds.points[0].words) == (
        ["0", "15", "30", "45", "60"],
        "W1: 30.000",
    )
    assert charts.line(weeks[:1], least=0, most=1) is None


def test_weeks_say_how_many_an_hour_and_what_it_cost(cast: Cast) -> None:
    judge(cast, tasks=12, people=3)
    assert "of active time, at" not in page_of(cast), "a project without a price shows none"
    cast.project.hour_cost, cast.project.currency = Decimal("50"), "EUR"
    cast.project.save()
    page = page_of(cast)
    # 36 rankings of 36 seconds are 0.36 hours: a hundred an hour, and 18 euros.
    assert "These weeks cost 18.00 EUR of active time, at 50.00 an hour." in page
    assert re.search(r'<td class="number">100</td>\s*<td class="number">18\.00</td>', page)


def test_a_count_is_marked_as_the_page_writes_its_numbers() -> None:
    drawn = charts.bars([("W1", 2194)])
    assert drawn is not None
    assert [text for _, text in drawn.ticks][-1] == "2,400"
    assert drawn.bars[0].words == "W1: 2,194"
