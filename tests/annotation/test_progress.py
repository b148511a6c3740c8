"""An annotator's own figures: today's count, their pace, what they did in all."""

from datetime import timedelta

import pytest
from django.utils import timezone

from annotation.collecting import demonstrating, progress, queue, ranking, rating
from annotation.files import intake
from annotation.models import Assignment, Ranking
from tests.annotation.factories import make_annotator, make_project, make_tasks, put

pytestmark = pytest.mark.django_db


def test_the_pace_is_the_median_of_todays_active_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project(annotators_per_task=2)
    make_tasks(project, 6)
    alice, bob = make_annotator(project), make_annotator(project)
    assert progress.of(alice).pace is None
    for seconds in (10, None, 90, 20, 40):
        in_hand = queue.claim(annotator=alice)
        assert in_hand is not None
        ranking.submit(
            assignment=in_hand, annotator=alice, verdict="ranked", ranks=[1, 2, 3], active_seconds=seconds
        )
    figures = progress.of(alice)
    assert (figures.today, figures.in_all, figures.pace) == (5, 5, 30.0)
    yesterday = timezone.now() - timedelta(days=1)
    slow = Ranking.objects.filter(active_seconds=90)
    Assignment.objects.filter(ranking__in=slow).update(closed_at=yesterday)
    slow.update(created_at=yesterday)
    figures = progress.of(alice)
    assert (figures.today, figures.in_all, figures.pace) == (4, 5, 20.0)
    assert figures.pace_in_all == 30.0  # of all they judged, yesterday's too
    assert figures.paced is None
    monkeypatch.setattr(progress, "PACED", 3)
    figures = progress.of(alice)
    assert (figures.pace_in_all, figures.paced) == (30.0, 3)  # of 40 and 20: the third was not timed
    monkeypatch.setattr(progress, "PACED", 4)
    assert progress.of(alice).pace_in_all == 20.0  # of 40, 20 and 10; yesterday's is the oldest now
    assert (progress.of(bob).today, progress.of(bob).pace, progress.of(bob).has_judged) == (0, None, False)


def test_time_is_that_of_every_kind_and_counted_once() -> None:
    """By hand: a ranking of 30 s, a rating of 50 s (four scores, changed at 70 s), an answer of 100 s."""
    project = make_project("times")
    make_tasks(project, 1)
    put(project, "prompts", {"prompt": "Write."})
    project.rating_axes = [{"name": name, "least": 1, "most": 5} for name in ("helpful", "honest")]
    project.save()
    alice = make_annotator(project)
    ranked = queue.claim(annotator=alice)
    assert ranked is not None
    ranking.submit(assignment=ranked, annotator=alice, verdict="ranked", ranks=[1, 2, 3], active_seconds=30)
    intake.create_tasks(project=project, kind="rate", completions=2)
    rated = queue.claim(annotator=alice)
    assert rated is not None
    scores = [{"helpful": 1, "honest": 2}, {"helpful": 3, "honest": 4}]
    rating.submit(assignment=rated, annotator=alice, scores=scores, active_seconds=50)
    scores[0]["helpful"] = 5
    rating.revise(assignment=rated, annotator=alice, scores=scores, active_seconds=70)
    intake.create_tasks(project=project, kind="demonstrate")
    to_write = queue.claim(annotator=alice)
    assert to_write is not None
    demonstrating.submit(assignment=to_write, annotator=alice, text="Written.", active_seconds=100)
    figures = progress.of(alice)
    assert (figures.pace, figures.pace_in_all, tuple(figures.times)) == (70, 70, (200, 200, 3))
    assert (figures.time_today, figures.time_in_all) == ("3 min 20 s", "3 min 20 s")
    Ranking.objects.update(created_at=timezone.now() - timedelta(days=1))
    figures = progress.of(alice)
    assert (figures.pace, figures.pace_in_all, tuple(figures.times)) == (85, 70, (170, 200, 3))
    idle = progress.of(make_annotator(project))
    assert (idle.pace, idle.pace_in_all, tuple(idle.times)) == (None, None, (0, 0, 0))
