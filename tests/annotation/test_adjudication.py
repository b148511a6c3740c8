"""Disagreements are listed once everybody is done, decided once, and enter snapshots only where the project says so."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from annotation.checking import adjudication, control
from annotation.collecting import ranking
from annotation.errors import BadRanking, BadRequest
from annotation.files import snapshots
from annotation.models import Project, Ranking, Task
from annotation.quality import agreement
from rewardmodel.bradley_terry.records import read_snapshot
from runs import artifacts
from tests.annotation.factories import make_annotator, make_member, make_project, make_tasks, out_values
from tests.annotation.judging import at_once, taken

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(tmp_path: Path, settings: Any) -> Project:
    """Two annotators a task; what agrees on less than 0.9 of the pairs is listed."""
    folder = {**settings.STORAGES["artifacts"], "OPTIONS": {"location": tmp_path / "artifacts"}}
    settings.STORAGES = {**settings.STORAGES, "artifacts": folder}
    new_project = make_project(annotators_per_task=2)
    control.configure(project=new_project, adjudicate_below=0.9)
    return new_project


def judge(project: Project, *orders: list[int]) -> Task:
    """A task that as many annotators put in these orders."""
    (task,) = make_tasks(project, priority=Task.objects.count())
    for order in orders:
        annotator = make_annotator(project)
        ranking.submit(assignment=taken(annotator), annotator=annotator, verdict="ranked", ranks=order)
    return task


def test_the_worst_come_first_and_those_that_agree_or_are_not_done_stay_out(project: Project) -> None:
    one_pair = judge(project, [1, 2, 3], [2, 1, 3])
    reversed_ = judge(project, [1, 2, 3], [3, 2, 1])
    judge(project, [1, 2, 2], [1, 2, 2])
    judge(project, [1, 2, 3])
    undecided = adjudication.undecided(project=project)
    assert [(one.task, round(one.agreement, 4)) for one in undecided] == [
        (reversed_, 0.0),
        (one_pair, 0.6667),
    ]
    assert [r.tiers for r in undecided[0].rankings] == [[1, 2, 3], [3, 2, 1]]
    control.configure(project=project, adjudicate_below=0.5)
    assert [one.task for one in adjudication.undecided(project=project)] == [reversed_]
    control.configure(project=project, adjudicate_below=None)
    assert adjudication.undecided(project=project) == []


def test_a_decision_stands_beside_what_annotators_said(project: Project) -> None:
    task = judge(project, [1, 2, 3], [3, 2, 1])
    carol = make_member(project, "researcher")
    decision = adjudication.decide(
        project=project, task=task, user=carol, ranks=[2, 1, 1], rationale="B and C."
    )
    assert (decision.task.repeats, decision.tiers, decision.comparisons.count()) == (task, [2, 1, 1], 3)
    assert adjudication.undecided(project=project) == []
    assert snapshots.take(project=project).rankings == 2
    # Of the three pairs the two say the opposite each time.
    assert agreement.agreement_of(project=project)["pairwise_agreement"] == 0.0
    assert len(out_values(project, "rankings")) == 2


def test_a_project_may_train_on_decisions_instead(project: Project) -> None:
    task = judge(project, [1, 2, 3], [3, 2, 1])
    judge(project, [1, 2, 3], [1, 2, 3])
    carol = make_member(project, "researcher")
    adjudication.decide(project=project, task=task, user=carol, ranks=[2, 1, 1])
    control.configure(project=project, adjudicated_wins=True)
    snapshot = snapshots.take(project=project)
    records = read_snapshot(artifacts.local_folder(snapshot.artifact) / snapshots.FILE_NAME)
    assert sorted(record.tiers for record in records) == [(1, 2, 3), (1, 2, 3), (2, 1, 1)]
    assert agreement.agreement_of(project=project)["counts"]["rankings"] == 4


def test_a_task_is_decided_once_and_whole(project: Project) -> None:
    task = judge(project, [1, 2, 3], [3, 2, 1])
    carol = make_member(project, "researcher")
    with pytest.raises(BadRanking, match="all 3"):
        adjudication.decide(project=project, task=task, user=carol, ranks=[1, 2])
    adjudication.decide(project=project, task=task, user=carol, ranks=[1, 2, 3])
    with pytest.raises(BadRequest, match="a moment ago"):
        adjudication.decide(project=project, task=task, user=carol, ranks=[3, 2, 1])
    other = make_project()
    erin = make_member(other, "researcher")
    with pytest.raises(BadRequest, match="not a task of the project"):
        adjudication.decide(project=other, task=task, user=erin, ranks=[1, 2, 3])


@pytest.mark.django_db(transaction=True)
def test_of_several_who_decide_at_once_one_does(project: Project) -> None:
    task = judge(project, [1, 2, 3], [3, 2, 1])
    decide = partial(adjudication.decide, project=project, task=task, ranks=[1, 2, 3])
    jobs = [partial(decide, user=make_member(project, "researcher")) for _ in range(4)]
    answers = at_once(jobs)
    assert sorted(type(answer).__name__ for answer in answers) == ["BadRequest"] * 3 + ["Ranking"]
    assert Ranking.objects.filter(task__purpose="adjudication").count() == 1
