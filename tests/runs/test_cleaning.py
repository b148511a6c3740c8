"""What nobody needs any more is removed, and nothing else."""

import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from annotation.models import Project, Snapshot
from rewardmodel.models import Fit, RewardModelVersion
from rltrainer import policies
from runs import artifacts, cleaning
from runs.execution import folder_of
from runs.models import Artifact, Run
from tests.annotation.factories import make_project
from tests.runs.conftest import make_run

pytestmark = pytest.mark.django_db
LONG_AGO = 40.0
DAY = 24 * 3600


@pytest.fixture(autouse=True)
def place(tmp_path: Path, settings: Any) -> Path:
    """Where artifacts lie."""
    location = {**settings.STORAGES["artifacts"], "OPTIONS": {"location": tmp_path / "artifacts"}}
    settings.STORAGES = {**settings.STORAGES, "artifacts": location}
    settings.HOME = tmp_path
    settings.KEEP_RUN_DAYS, settings.KEEP_RUNS = 30, 200
    return tmp_path / "artifacts"


def ended(status: str = "succeeded", days: float = 0.0, kind: str = "counting") -> Run:
    """A run that ended so many days ago, with all that its folder may hold."""
    run = make_run()
    then = timezone.now() - timedelta(days=days)
    active = status in Run.ACTIVE
    Run.objects.filter(pk=run.pk).update(
        kind=kind,
        status=status,
        created_at=then,
        started_at=then,
        heartbeat_at=then,
        finished_at=None if active else then,
        log_tail="the end of the log",
    )
    folder = folder_of(run)
    folder.make()
    for file in (folder.inputs / "a.jsonl", folder.output / "b.jsonl", folder.checkpoint / "c"):
        file.write_text("{}\n")
    folder.write_config({})
    return Run.objects.get(pk=run.pk)


def names(run: Run) -> list[str]:
    path = folder_of(run).path
    return sorted(one.name for one in path.iterdir()) if path.exists() else []


WHOLE = ["checkpoint", "config.json", "inputs", "output"]


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
def test_the_folder_of_a_run_that_ended_long_ago_is_removed_and_its_rows_stay(status: str) -> None:
    old, young = ended(status, LONG_AGO), ended(status, 29)
    assert cleaning.clean().folders == 1
    assert (names(old), names(young)) == ([], WHOLE)
    assert not folder_of(old).path.exists()
    old.refresh_from_db()
    assert (old.status, old.log_tail) == (status, "the end of the log")
    assert cleaning.clean() == (0, 0)


@pytest.mark.parametrize("status", ["queued", "running"])
def test_the_folder_of_a_run_that_has_not_ended_stays_whole_however_old(status: str) -> None:
    run = ended(status, 400)
    os.utime(folder_of(run).path, (time.time() - 400 * DAY,) * 2)
    assert cleaning.clean() == (0, 0)
    assert names(run) == WHOLE


@pytest.mark.long
def test_of_succeeded_runs_the_newest_keep_their_folders_and_of_others_all(settings: Any) -> None:
    settings.KEEP_RUNS = 2
    runs = [ended("succeeded", days) for days in (5, 4, 3, 2)]
    others = [ended("failed", 6), ended("cancelled", 7)]
    assert cleaning.clean().folders == 2
    assert [bool(names(run)) for run in runs] == [False, False, True, True]
    assert [names(run) for run in others] == [WHOLE, WHOLE]


def test_of_a_training_that_made_a_policy_its_inputs_stay() -> None:
    trained, failed = ended(days=LONG_AGO, kind="train_policy"), ended("failed", LONG_AGO, "train_policy")
    assert cleaning.clean().folders == 2
    assert names(trained) == ["config.json", "inputs"]
    assert (folder_of(trained).inputs / "a.jsonl").exists()
    assert names(failed) == []
    assert cleaning.clean() == (0, 0)


def test_a_folder_in_which_somebody_works_is_left_alone() -> None:
    run = ended("failed", LONG_AGO)
    with folder_of(run).writing():
        assert cleaning.clean().folders == 0
    assert names(run) == sorted([*WHOLE, "lock"])
    assert cleaning.clean().folders == 1


def test_folders_of_runs_that_are_no_more_are_removed_after_a_day_and_what_is_no_runs_stays(
    settings: Any,
) -> None:
    home = Path(settings.RUNS_DIR)
    stray, young, other = home / str(uuid4()), home / str(uuid4()), home / "notes"
    for path in (stray, young, other):
        path.mkdir(parents=True)
    for path in (stray, other):
        os.utime(path, (time.time() - 2 * DAY,) * 2)
    assert cleaning.clean().folders == 1
    assert [path.exists() for path in (stray, young, other)] == [False, True, True]


def stored(tmp_path: Path, text: str, days: float = LONG_AGO) -> Artifact:
    """An artifact of its own, stored so many days ago."""
    folder = tmp_path / "made" / text
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "weights").write_text(text)
    artifact = artifacts.store(folder=folder, kind="policy", run=None)
    Artifact.objects.filter(pk=artifact.pk).update(stored_at=timezone.now() - timedelta(days=days))
    return artifact


def named(project: Project, tmp_path: Path) -> list[Artifact]:
    """One for each way in which a row names an artifact."""
    artifacts = [stored(tmp_path, name) for name in ("policy", "snapshot", "base", "model")]
    policy, snapshot, base, model = artifacts
    policies.make_version(project=project, artifact=policy)
    Snapshot.objects.create(
        project=project, digest="d", artifact=snapshot, rankings=1, comparisons=1, last_ranking_id=1
    )
    fit = Fit.objects.create(
        run=Run.objects.create(kind="fit_reward_model"), project=project, base_artifact=base
    )
    RewardModelVersion.objects.create(project=project, number=1, fit=fit, artifact=model, report={})
    return artifacts


def test_artifacts_that_no_row_names_are_removed_after_a_day_and_no_others(
    tmp_path: Path, place: Path
) -> None:
    kept = [*named(make_project(), tmp_path), stored(tmp_path, "young", days=0.5)]
    orphan = stored(tmp_path, "orphan")
    cached = tmp_path / "cache" / orphan.digest
    cached.mkdir(parents=True)
    assert cleaning.clean().artifacts == 1
    assert set(Artifact.objects.all()) == set(kept)
    assert {path.name for path in place.iterdir()} == {artifact.digest for artifact in kept}
    assert not cached.exists()
    for artifact in kept:
        assert artifacts.local_folder(artifact)
    assert cleaning.clean() == (0, 0)


def test_what_is_stored_again_is_young_again(tmp_path: Path) -> None:
    stored(tmp_path, "orphan")
    again = artifacts.store(folder=tmp_path / "made" / "orphan", kind="policy", run=None)
    assert cleaning.clean().artifacts == 0
    assert artifacts.local_folder(again)


def test_files_without_even_a_row_are_removed_after_a_day(place: Path) -> None:
    """A worker was killed between the files and the row."""
    for name, age in (("a" * 64, 2 * DAY), ("b" * 64, DAY / 2)):
        (place / name / "trunk").mkdir(parents=True)
        file = place / name / "trunk" / "weights"
        file.write_text("half")
        os.utime(file, (time.time() - age,) * 2)
    assert cleaning.clean().artifacts == 1
    assert [path.name for path in place.iterdir()] == ["b" * 64]
