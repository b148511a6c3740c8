"""Fits that begin by themselves: when, of which project, once, and from where."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotation.files import snapshots
from annotation.models import Project
from rewardmodel import activation, retraining
from rewardmodel.errors import BadFitConfig
from rewardmodel.models import Fit, RewardModelSettings, RewardModelVersion
from runs.models import Artifact, Run
from tests.annotation.factories import make_project, put, ranking
from tests.api.world import wrong_with
from tests.pages.cast import make_cast
from tests.storing import store_artifacts_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _homes(tmp_path: Any, settings: Any) -> None:
    store_artifacts_in(tmp_path / "files", settings)


def judge(project: Project, count: int, who: str = "ada") -> None:
    """So many more rankings."""
    have = project.rankings.count()
    lines = [ranking(f"{who} {have + n}", 1, 2, annotator=who) for n in range(count)]
    assert put(project, "rankings", *lines).added == count


def retrained_project(rankings: int = 0, hours: int = 0, warm: bool = False, **fields: Any) -> Project:
    project = make_project(**fields)
    retraining.configure(
        project=project,
        retrain_rankings=rankings,
        retrain_hours=hours,
        retrain_warm=warm,
        choose_next=False,
    )
    return project


def end(run: Run, status: str = "succeeded", *, snapshot: bool = True) -> None:
    """The run took its snapshot and ended."""
    if snapshot:
        Fit.objects.filter(run=run).update(snapshot=snapshots.take(project=run.fit.project))
    Run.objects.filter(pk=run.pk).update(status=status, finished_at=timezone.now())


def begun(project: Project) -> Run:
    run = retraining.consider(project=project)
    assert run is not None
    return run


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
def test_after_so_many_new_rankings_whatever_became_of_the_last_fit(status: str) -> None:
    project = retrained_project(rankings=5)
    judge(project, 4)
    assert retraining.consider(project=project) is None
    judge(project, 1)
    run = begun(project)
    assert (run.kind, run.status, run.fit.why) == ("fit_reward_model", "queued", "5 new rankings")
    judge(project, 20)
    assert retraining.consider(project=project) is None, "one is on its way"
    end(run, status)
    assert retraining.consider(project=project) is None, "its snapshot held them all"
    judge(project, 5)
    assert begun(project).pk != run.pk


def test_after_so_many_hours_where_there_is_something_new() -> None:
    project = retrained_project(hours=3)
    assert retraining.consider(project=project) is None, "nothing to learn from"
    judge(project, 1)
    run = begun(project)
    end(run)
    Run.objects.filter(pk=run.pk).update(created_at=timezone.now() - timedelta(hours=4))
    assert retraining.consider(project=project) is None, "nothing new"
    judge(project, 1)
    again = begun(project)
    assert again.fit.why == "3 hours since the last fit"
    end(again, "failed")
    Run.objects.filter(pk=again.pk).update(created_at=timezone.now() - timedelta(hours=2))
    judge(project, 1)
    assert retraining.consider(project=project) is None, "too early"


def test_simulated_rankings_are_not_waited_for() -> None:
    """They train nothing where the project is no demo."""
    project = retrained_project(rankings=2)
    put(
        project,
        "rankings",
        *({**ranking(f"q{n}", 1, 2, annotator="robot"), "concord": {"simulated": True}} for n in range(5)),
    )
    assert retraining.consider(project=project) is None


def test_a_fit_that_could_not_begin_is_not_tried_again_at_once() -> None:
    project = retrained_project(rankings=1)
    judge(project, 1)
    run = begun(project)
    end(run, "failed", snapshot=False)
    assert retraining.consider(project=project) is None
    Run.objects.filter(pk=run.pk).update(created_at=timezone.now() - timedelta(hours=2))
    assert retraining.consider(project=project) is not None


def test_a_warm_one_goes_on_from_the_active_version_once_there_is_one() -> None:
    project = retrained_project(rankings=1, warm=True)
    judge(project, 1)
    first = begun(project)
    assert (first.fit.base, first.fit.base_artifact) == ("scratch", None)
    end(first)
    artifact = Artifact.objects.create(digest="0" * 64, kind="reward_model", files={}, run=first)
    version = RewardModelVersion.objects.create(
        project=project, number=1, fit=first.fit, artifact=artifact, report={}
    )
    activation.activate(version=version, why="For the test.")
    judge(project, 1)
    second = begun(project)
    assert (second.fit.base, second.fit.base_artifact) == ("reward model v1", artifact)
    assert second.fit.config == {"keep_head": True}


def test_the_sweep_looks_at_every_project_that_asks() -> None:
    wanting, idle = retrained_project(rankings=1), retrained_project()
    for project in (wanting, idle, make_project()):
        judge(project, 2)
    (run,) = retraining.consider_everywhere()
    assert run.fit.project == wanting
    assert retraining.consider_everywhere() == []


@pytest.mark.django_db(transaction=True)
def test_sweeps_at_once_begin_one_fit() -> None:
    project = retrained_project(rankings=1)
    judge(project, 1)

    def sweep(_: int) -> None:
        try:
            retraining.consider_everywhere()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(sweep, range(6)))
    assert Fit.objects.count() == 1


def test_less_than_nothing_is_refused() -> None:
    with pytest.raises(BadFitConfig):
        retrained_project(rankings=-1)


def test_it_is_set_on_the_projects_page_and_by_the_api() -> None:
    cast = make_cast()
    client = Client()
    client.force_login(cast.carol)
    page = reverse("admin:reward_models", args=[cast.project.slug])
    answer = client.post(
        reverse("admin:act", args=[cast.project.slug, "retrain"]),
        {"retrain-retrain_rankings": "50", "retrain-retrain_hours": "24", "retrain-retrain_warm": "on"},
    )
    assert (answer.status_code, answer.headers["Location"]) == (302, page)
    settings = RewardModelSettings.objects.get(project=cast.project)
    assert (settings.retrain_rankings, settings.retrain_hours, settings.retrain_warm) == (50, 24, True)
    assert 'value="50"' in client.get(page).content.decode()
    address = f"/api/v1/projects/{cast.project.slug}/retraining/"
    assert client.get(address).json() == {
        "retrain_rankings": 50,
        "retrain_hours": 24,
        "retrain_warm": True,
        "choose_next": False,
    }
    patched = client.patch(address, {"retrain_hours": 0}, content_type="application/json")
    assert patched.json() == {
        "retrain_rankings": 50,
        "retrain_hours": 0,
        "retrain_warm": True,
        "choose_next": False,
    }
    refused = client.patch(address, {"retrain_hours": -1}, content_type="application/json")
    assert wrong_with(refused) == ["#/retrain_hours"]
