"""The projects that benchmarks fill by SQL are such as Concord makes: they can be claimed from, judged and exported."""

import pytest

from annotation import people
from annotation.collecting import queue
from annotation.files import export
from annotation.models import Assignment, Comparison, Project, Ranking, Slot
from benchmarks import filling
from tests.annotation.factories import make_member, out_values

TASKS = filling.LEFT + 20


@pytest.fixture(autouse=True)
def _untidy(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "tidy", lambda: None)  # VACUUM takes no transaction around it


def test_a_filled_project_goes_on_as_any_other() -> None:
    project = filling.project_of(TASKS)
    annotator = people.annotator_for(project=project, user=make_member(project))
    filling.judge_all_but_last(annotator, 0)
    judged = Ranking.objects.count()
    assert (judged, Slot.objects.count()) == (20, filling.OVERLAP * TASKS)
    assert Assignment.objects.filter(status="submitted").count() == judged
    filling.compare(project)
    assert Comparison.objects.count() == 6 * judged
    claimed = queue.claim(annotator=annotator)
    assert claimed is not None
    assert claimed.task.rankings.count() == 0
    assert export.count(project=project, kind="pairs") == len(out_values(project, "pairs")) == 6 * judged


def test_a_judged_project_has_nothing_left_to_judge() -> None:
    filling.judged(3)
    project = Project.objects.get()
    assert (Ranking.objects.count(), Comparison.objects.count(), Slot.objects.count()) == (3, 18, 0)
    assert len(out_values(project, "pairs")) == 18
