"""An annotator's own figures: today's count, their pace, what they did in all."""

from datetime import timedelta

import pytest
from django.utils import timezone

from annotation.collecting import progress, queue, ranking
from annotation.models import Assignment, Ranking
from tests.annotation.factories import make_annotator, make_project, make_tasks

pytestmark = pytest.mark.django_db


def test_the_pace_is_the_median_of_todays_active_seconds() -> None:
    project = make_project(annotators_per_task=2)
    make_tasks(project, 6)
    alice, bob = make_annotator(project), make_annotator(project)
    assert progress.of(alice).pace is None
    for seconds in (10, None, 90, 20, 40):
        held = queue.claim(annotator=alice)
        assert held is not None
        ranking.submit(
            assignment=held, annotator=alice, verdict="ranked", ranks=[1, 2, 3], active_seconds=seconds
        )
    figures = progress.of(alice)
    assert (figures.today, figures.in_all, figures.pace) == (5, 5, 30.0)
    yesterday = timezone.now() - timedelta(days=1)
    slow = Ranking.objects.filter(active_seconds=90)
    Assignment.objects.filter(ranking__in=slow).update(closed_at=yesterday)
    slow.update(created_at=yesterday)
    figures = progress.of(alice)
    assert (figures.today, figures.in_all, figures.pace) == (4, 5, 20.0)
    assert (progress.of(bob).today, progress.of(bob).pace, progress.of(bob).has_judged) == (0, None, False)
