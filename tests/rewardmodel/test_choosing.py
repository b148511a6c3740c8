"""Active choice: what a reward model is unsure of is asked first, and no figure takes that for a fair sample."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from annotation.collecting import queue, ranking
from annotation.files import intake, snapshots
from annotation.models import Annotator, Assignment, Project, Task
from annotation.quality import agreement, upkeep
from annotation.withdrawal.lines import Erased, erase
from rewardmodel import choosing, retraining, rewards
from rewardmodel.bradley_terry.judged import held_out
from rewardmodel.bradley_terry.records import read_snapshot
from rewardmodel.errors import NoRewardModel, NothingToChoose
from rewardmodel.models import Reward, RewardModelVersion
from runs import artifacts, kinds, preparing
from runs.folder.errors import Stopped
from runs.folder.folder import RunFolder
from runs.foreground import run_here
from runs.models import Run
from tests.annotation.factories import make_annotator, make_project, make_tasks, put
from tests.pages.cast import make_cast
from tests.rewardmodel.versions import make_active
from tests.storing import store_artifacts_in

pytestmark = pytest.mark.django_db(transaction=True)
# It learns to like what is great.
FIT = {"epochs": 4}
Choice = Assignment.Choice
SURE = ["it is great and great", "it is awful and awful"]
UNSURE = ["it is plain", "it is plain "]


@pytest.fixture(autouse=True)
def _homes(tmp_path: Path, settings: Any) -> None:
    store_artifacts_in(tmp_path / "files", settings)
    settings.RUNS_DIR = tmp_path / "runs"


def in_order(**fields: Any) -> Project:
    """A project that draws no task at random."""
    project = make_project(**fields)
    intake.configure_project(project=project, random_share=0.0)
    project.refresh_from_db()
    return project


def make_open(project: Project, *tasks: list[str], **fields: Any) -> list[Task]:
    """Tasks of these texts, in this order."""
    for number, texts in enumerate(tasks):
        line = {"prompt": f"How is the inn {number}?", "completions": [{"text": text} for text in texts]}
        put(project, "completions", {**line, **fields})
    return list(project.tasks.order_by("pk"))


def test_doubt_is_whole_where_two_are_equal_and_falls_with_the_gap() -> None:
    assert choosing.doubt([0.3, 0.3], 1.7) == 1.0
    p = 1 / (1 + math.exp(-2.0))  # a gap of 1, times the deviation that normalised scores were divided by
    assert choosing.doubt([1.5, 0.5], 2.0) == pytest.approx(4 * p * (1 - p), abs=1e-12)
    gaps = [1.0, 3.0, 2.0]  # of 0, 1, 3: each pair once
    doubts = [4 / ((1 + math.exp(-gap)) * (1 + math.exp(gap))) for gap in gaps]
    assert choosing.doubt([0.0, 1.0, 3.0], 1.0) == pytest.approx(sum(doubts) / 3, abs=1e-12)


@pytest.mark.processes
def test_open_tasks_are_asked_by_doubt_and_ranked_ones_say_why(fitted: Path) -> None:
    project = in_order(annotators_per_task=1)
    make_active(project, fitted, number=3)
    sure, unsure = make_open(project, SURE, UNSURE)
    (by_hand,) = make_tasks(project, 1, completions=2, priority=5)
    (done,) = make_tasks(project, 1, completions=2)
    intake.set_priorities(project=project, priorities={done.pk: 7})
    alice = make_annotator(project)
    first = queue.claim(annotator=alice)
    assert first is not None
    assert (first.task, first.chosen) == (done, Choice.PRIORITY)
    submit(first, alice)

    run = run_here(lambda: choosing.request_choice(project=project))
    assert run in kinds.runs_of(project)

    intake.configure_project(project=project, random_share=0.0)  # the order is to be seen
    assert run.status == Run.Status.SUCCEEDED, run.reason
    assert run.result == {"tasks": 2, "moved": 2, "reward_model": 3}
    kept = Reward.objects.values_list("completion__text", "version__number")
    assert sorted(kept) == [(text, 3) for text in sorted(SURE + UNSURE)]
    rows = {task.pk: (task.priority, task.ordered_by) for task in project.tasks.all()}
    assert (rows[by_hand.pk], rows[done.pk]) == ((5, ""), (7, ""))
    assert rows[sure.pk][1] == rows[unsure.pk][1] == "reward model v3"
    assert 1 <= rows[sure.pk][0] < rows[unsure.pk][0] <= 1000
    claimed = []
    for _ in range(3):
        assignment = queue.claim(annotator=alice)
        assert assignment is not None
        claimed.append((assignment.task, assignment.chosen))
        submit(assignment, alice)
    by_doubt = [(unsure, Choice.DOUBT), (sure, Choice.DOUBT)]
    assert [one for one in claimed if one[0] != by_hand] == by_doubt
    assert (by_hand, Choice.PRIORITY) in claimed


def test_what_was_put_first_is_forgotten_and_own_priorities_stay() -> None:
    project = make_project()
    chosen, by_hand = make_tasks(project, 2)
    intake.set_priorities(project=project, priorities={chosen.pk: 900}, by="reward model v1")
    intake.set_priorities(project=project, priorities={by_hand.pk: 3})
    call_command("choose_tasks", project=project.slug, forget=True)
    rows = Task.objects.order_by("pk").values_list("priority", "ordered_by")
    assert list(rows) == [(0, ""), (3, "")]
    assert list(chosen.slots.values_list("priority", flat=True).distinct()) == [0]


def test_a_priority_by_hand_takes_the_place_of_a_models() -> None:
    project = make_project()
    (task,) = make_tasks(project, 1)
    intake.set_priorities(project=project, priorities={task.pk: 900}, by="reward model v1")
    assert intake.set_priorities(project=project, priorities={task.pk: 900}) == 1
    task.refresh_from_db()
    assert (task.priority, task.ordered_by) == (900, "")


def test_without_a_model_or_a_task_nothing_is_begun(fitted: Path) -> None:
    project = make_project()
    make_tasks(project, 1)
    with pytest.raises(NoRewardModel):
        choosing.request_choice(project=project)
    empty = make_project()
    make_active(empty, fitted)
    with pytest.raises(NothingToChoose):
        choosing.request_choice(project=empty)


@pytest.mark.parametrize(("share", "then"), [(0.0, 0.1), (0.3, 0.3)])
def test_a_share_of_the_tasks_is_drawn_at_random_from_then_on(
    fitted: Path, share: float, then: float
) -> None:
    project = make_project()
    make_tasks(project, 1)
    make_active(project, fitted)
    intake.configure_project(project=project, random_share=share)
    project.refresh_from_db()
    choosing.request_choice(project=project)
    project.refresh_from_db()
    assert project.random_share == then


@pytest.mark.parametrize("chooses", [True, False])
def test_a_version_that_goes_live_asks_first_where_the_project_wants_it(fitted: Path, chooses: bool) -> None:
    project = make_project()
    make_tasks(project, 1)
    version = make_active(project, fitted)
    retraining.configure(
        project=project, retrain_rankings=0, retrain_hours=0, retrain_warm=False, choose_next=chooses
    )
    choosing.follow(version=version)
    assert Run.objects.filter(kind=choosing.KIND.name).count() == chooses
    RewardModelVersion.objects.update(is_active=False)
    version.refresh_from_db()
    choosing.follow(version=version)
    assert Run.objects.filter(kind=choosing.KIND.name).count() == chooses


def submit(assignment: Assignment, annotator: Annotator) -> None:
    """The first of two is better."""
    ranking.submit(assignment=assignment, annotator=annotator, verdict="ranked", ranks=[1, 2])


def rank_both(project: Project, task: Task, *chosen: str) -> None:
    """So many people rank the task, each asked for the reason that stands in its place."""
    for why in chosen:
        annotator = make_annotator(project)
        assignment = queue.claim(annotator=annotator)
        assert assignment is not None
        assert assignment.task == task
        Assignment.objects.filter(pk=assignment.pk).update(chosen=why)
        assignment.refresh_from_db()
        submit(assignment, annotator)


@pytest.mark.parametrize(
    ("chosen", "fair"),
    [
        ((Choice.PRIORITY, Choice.PRIORITY), True),
        ((Choice.RANDOM, Choice.DOUBT), True),
        ((Choice.DOUBT, Choice.PRIORITY), False),
        ((Choice.DOUBT, Choice.DOUBT), False),
    ],
)
def test_agreement_and_held_out_figures_leave_out_what_doubt_alone_chose(
    chosen: tuple[str, str], fair: bool
) -> None:
    project = in_order(annotators_per_task=2)
    put(
        project,
        "completions",
        {"prompt": "P", "completions": [{"text": "a"}, {"text": "b"}], "split": "test"},
    )
    task = project.tasks.get()
    rank_both(project, task, *chosen)
    upkeep.count(project=project)
    counts = agreement.agreement_of(project=project)["counts"]
    assert counts["tasks"] == fair
    assert counts["rankings"] == 2
    assert counts["by_doubt"] == chosen.count(Choice.DOUBT)
    assert counts["by_chance"] == chosen.count(Choice.RANDOM)
    snapshot = snapshots.take(project=project)
    records = read_snapshot(artifacts.local_folder(snapshot.artifact) / snapshots.FILE_NAME)
    assert [record.by_doubt for record in records] == [not fair] * 2
    assert held_out(records) == (("test", records) if fair else (None, []))


def test_who_holds_a_task_by_chance_and_has_not_judged_it_makes_no_fair_sample() -> None:
    project = in_order(annotators_per_task=2)
    (task,) = make_tasks(project, 1, completions=2)
    rank_both(project, task, Choice.DOUBT)
    in_hand = queue.claim(annotator=make_annotator(project))
    assert in_hand is not None
    Assignment.objects.filter(pk=in_hand.pk).update(chosen=Choice.RANDOM)
    assert list(Task.objects.doubted()) == [task]


def test_a_withdrawn_text_leaves_the_files_of_a_look(fitted: Path, tmp_path: Path) -> None:
    project = make_project()
    make_active(project, fitted)
    first, second = make_open(project, ["a secret", "b"], ["c", "d"])
    run = choosing.request_choice(project=project)
    folder = RunFolder(tmp_path / "run")
    folder.make()
    kinds.kind_of(run).prepare(run, folder)
    path = folder.inputs / rewards.TEXTS
    secret = first.entries.get(completion__text="a secret").completion
    erase(
        path, Erased.of({"completions": [str(secret.public_id)], "prompts": [str(second.prompt.public_id)]})
    )
    text = path.read_text()
    assert "secret" not in text
    assert '"c"' not in text
    assert '"completion": "b"' in text
    assert text.count("\n") == 4


def test_researchers_ask_by_page_and_program(fitted: Path) -> None:
    cast = make_cast()
    make_tasks(cast.project, 1)
    make_active(cast.project, fitted)
    client = Client()
    client.force_login(cast.carol)
    page = client.get("/admin/projects/helpful/reward-models/").content.decode()
    assert "Ask first what it is unsure of" in page
    assert client.post("/admin/projects/helpful/choose/").status_code == 302
    run = Run.objects.get(kind=choosing.KIND.name)
    assert client.get(f"/admin/runs/{run.pk}/").status_code == 200
    task = cast.project.tasks.get()
    intake.set_priorities(project=cast.project, priorities={task.pk: 9}, by="reward model v3")
    assert client.post("/admin/projects/helpful/forget/").status_code == 302
    task.refresh_from_db()
    assert task.priority == 0


def test_looking_at_open_tasks_stops_between_batches(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fitted: Path
) -> None:
    """Where a stop is wanted before the second of three batches, one is written, and no config: it begins anew."""
    monkeypatch.setattr(choosing, "TASKS_AT_ONCE", 2)
    project = in_order()
    make_active(project, fitted, number=1)
    make_open(project, SURE, UNSURE, SURE, UNSURE, SURE, UNSURE)
    run = choosing.request_choice(project=project)
    folder = RunFolder(tmp_path / "stopped")
    folder.make()
    looks: list[int] = []

    def is_wanted() -> bool:
        looks.append(1)
        return len(looks) == 2

    with preparing.stopped_by(is_wanted), pytest.raises(Stopped):
        choosing.KIND.prepare(run, folder)
    lines = (folder.inputs / rewards.TEXTS).read_text().splitlines()
    assert len({json.loads(line)["task"] for line in lines}) == 2
    assert not folder.config_file.exists()
