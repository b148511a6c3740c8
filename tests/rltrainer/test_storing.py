"""What a run made is stored before the transaction of its end: nobody waits for a file, and nothing is left in part."""

import datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from annotation.collecting import queue, ranking
from annotation.models import Project, Ranking
from rewardmodel import fits
from rewardmodel.models import RewardModelVersion
from rltrainer import training
from rltrainer.models import PolicyVersion
from runs import artifacts, execution, lifecycle
from runs.errors import StoredUnderLock
from runs.execution import folder_of
from runs.folder import child as exit_codes
from runs.folder.files import write_json
from runs.kinds import kind_of
from runs.models import Artifact, Run
from tests.annotation.factories import make_annotator, make_project, make_tasks, put
from tests.runs import slow_storage
from tests.runs.beside import somebody_waits
from tests.runs.conftest import claimed, wait_for
from tests.runs.slow_storage import answered_at_once, in_thread, slow

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _homes(tmp_path: Path, settings: Any) -> None:
    location = {**settings.STORAGES["artifacts"], "OPTIONS": {"location": tmp_path / "artifacts"}}
    settings.STORAGES = {**settings.STORAGES, "artifacts": location}
    settings.RUNS_DIR = tmp_path / "runs"


def trained(kind: str) -> tuple[Project, Run]:
    """A run in this process's hands whose child has just left its output."""
    project = make_project()
    make_tasks(project, 2)
    put(project, "demonstrations", {"prompt": "Question?", "completion": "Answer."})
    if kind == "fit":
        run = claimed(fits.request_fit(project=project))
    else:
        run = claimed(training.request_training(project=project, algorithm="sft"))
    folder = folder_of(run)
    folder.make()
    (folder.output / "model.safetensors").write_bytes(b"weights")
    write_json(folder.output / "meta.json", {"report": {}})
    return project, run


def end(run: Run) -> Run:
    """What a worker does once the child is done."""
    with execution.Heart(run) as heart:
        left = execution.Left(exit_codes.DONE, asked_at=None)
        execution._conclude(run, kind_of(run), folder_of(run), heart, left, lambda: False)
    run.refresh_from_db()
    return run


def stale() -> Run:
    """Another run, whose worker is gone."""
    run = claimed(Run.objects.create(kind="export"))
    Run.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - datetime.timedelta(hours=1))
    return Run.objects.get(pk=run.pk)


def versions() -> int:
    return RewardModelVersion.objects.count() + PolicyVersion.objects.count()


def made_of(run: Run) -> Any:
    if run.kind == fits.KIND.name:
        return RewardModelVersion.objects.get(fit__run=run)
    return PolicyVersion.objects.get(training__run=run)


@pytest.mark.parametrize("kind", ["fit", "training"])
def test_nobody_waits_while_an_artifact_is_stored(kind: str, settings: Any) -> None:
    project, run = trained(kind)
    other, annotator = stale(), make_annotator(project)
    slow(settings)
    with in_thread(lambda: end(run)) as ended:
        assert slow_storage.begun.wait(30)
        with answered_at_once():
            assert lifecycle.beat(run=run) is False
            assert lifecycle.reclaim(run=other) == Run.Status.QUEUED
            taken = queue.claim(annotator=annotator)
            assert taken is not None
            ranking.submit(assignment=taken, annotator=annotator, verdict="ranked", ranks=[1, 2, 3])
        assert Ranking.objects.filter(task__project=project).count() == 1
        assert not versions()
    assert ended[0].status == Run.Status.SUCCEEDED, ended
    folder = artifacts.local_folder(made_of(run).artifact)
    assert (folder / "model.safetensors").read_bytes() == b"weights"


@pytest.mark.parametrize("kind", ["fit", "training"])
def test_an_end_that_is_rolled_back_leaves_no_version_and_its_files_are_the_same_when_stored_again(
    kind: str, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    _, run = trained(kind)

    def fails(**_: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("rewardmodel.fits.activation.consider", fails)
        patch.setattr("rltrainer.policies.make_current", fails)
        output = kind_of(run).store(run, folder_of(run))
        with pytest.raises(ZeroDivisionError):
            lifecycle.succeed(run=run, finish=lambda: kind_of(run).finish(run, output))
    assert Run.objects.get(pk=run.pk).status == Run.Status.RUNNING
    assert not versions()
    place = Path(settings.STORAGES["artifacts"]["OPTIONS"]["location"])
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*") if path.is_file()}
    assert end(run).status == Run.Status.SUCCEEDED
    assert made_of(run).artifact == Artifact.objects.get()
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*") if path.is_file()} == before


def test_storing_inside_a_transaction_is_refused() -> None:
    _, run = trained("fit")
    with transaction.atomic(), pytest.raises(StoredUnderLock):
        kind_of(run).store(run, folder_of(run))
    assert not Artifact.objects.exists()


def test_two_who_store_the_same_at_once_leave_one_file(settings: Any) -> None:
    """The second waits for the first: it would find half of a file, and save its own beside it."""
    _, run = trained("fit")
    slow(settings)

    def store() -> str:
        return artifacts.store(folder=folder_of(run).output, kind="reward_model", run=run).digest

    with in_thread(store) as first, in_thread(store) as second:
        wait_for(lambda: len(slow_storage.saving) == 2 or (slow_storage.saving and somebody_waits()))
    assert first == second == [Artifact.objects.get().digest]
    place = Path(settings.STORAGES["artifacts"]["OPTIONS"]["location"])
    assert sorted(path.name for path in place.rglob("*") if path.is_file()) == [
        "meta.json",
        "model.safetensors",
    ]
