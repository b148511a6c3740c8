"""What a run's page says of it, and asking for the same again or for going on."""

import csv
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.test import Client
from django.utils import timezone

from annotation.files import transfers
from annotation.models import Project
from console import describing
from rewardmodel import activation, choosing, contests, fits, rewards
from rewardmodel import handing_over as of_reward_models
from rltrainer import evaluation, registering, sampling, training
from rltrainer import handing_over as of_policies
from runs import kinds, lifecycle, noting
from runs.errors import NotAgain, RunNotEnded
from runs.models import Run, RunMetric
from runs.workers import Presence, has_worker
from tests.annotation.factories import put
from tests.pages.cast import Cast, make_cast
from tests.pages.factories import make_transfer
from tests.rltrainer.factories import make_policy, make_reward_model, make_snapshot
from tests.runs.conftest import wait_for

pytestmark = [pytest.mark.django_db, pytest.mark.long]


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def page(cast: Cast, address: str) -> str:
    client = Client()
    client.force_login(cast.carol)
    return client.get(address).content.decode()


def runs_of_every_kind(project: Project) -> dict[str, Run]:
    """Each as somebody asks for it, but for imports."""
    base = make_policy(project, 1)
    other = make_policy(project, 2)
    base.is_current = True
    base.save()
    first, _ = (make_reward_model(project, n, make_snapshot(project, f"s{n}")) for n in (1, 2))
    activation.activate(version=first, why="By hand.")
    put(project, "prompts", {"prompt": "Held out?", "split": "test"}, {"prompt": "Learnt?", "split": "train"})
    put(project, "demonstrations", {"prompt": "Learnt?", "completion": "Yes."})
    put(project, "completions", {"prompt": "New?", "completions": [{"text": "yes"}, {"text": "no"}]})
    requested = [
        fits.request_fit(project=project, config={"epochs": 2, "base": "hub/base"}),
        training.request_training(project=project, algorithm="ppo", config={"steps": 7}),
        sampling.request_sampling(project=project, policy=other, prompts=3, config={"temperature": 0.5}),
        evaluation.request_evaluation(project=project, versions=[base, other]),
        contests.request_contest(project=project),
        choosing.request_choice(project=project),
        rewards.request_scoring(version=first),
        registering.request_registration(project=project, base="hub/elsewhere"),
        transfers.request_export(project=project, kind="pairs", split="train", form="text"),
        transfers.request_dataset(project=project, license="mit"),
        of_reward_models.request_export(version=first, license="mit"),
        of_policies.request_export(version=other, license="mit"),
    ]
    return {run.kind: run for run in requested}


SENTENCES = {
    "fit_reward_model": "Fit a reward model",
    "train_policy": "PPO of policy v1 against reward model v1",
    "sample_completions": "Sample policy v2 for 3 prompts",
    "evaluate_policy": "Compare policies v1, v2",
    "compare_reward_models": "Compare reward models with v1",
    "choose_tasks": "Put tasks in the order of reward model v1's doubt",
    "score_completions": "Score completions by reward model v1",
    "register_policy": "Register hub/elsewhere",
    "export": "Export pairs",
    "export_dataset": "Export a data set",
    "export_reward_model": "Export reward model v1",
    "export_policy": "Export policy v2",
}


WHAT_IS_ASKED = (
    *("config", "start_id", "reward_model_id", "policy_id", "prompts", "base", "base_artifact_id", "split"),
)


def test_every_kind_is_told_in_a_sentence_listed_and_asked_for_again(cast: Cast) -> None:
    by_kind = runs_of_every_kind(cast.project)
    assert by_kind.keys() == SENTENCES.keys()
    listed = page(cast, "/admin/projects/helpful/runs/").replace("&#x27;", "'")
    for kind, run in by_kind.items():
        assert describing.sentence(run) == SENTENCES[kind]
        assert SENTENCES[kind] in listed
        lifecycle.cancel(run=run)
        another = kinds.request_again(run=run, created_by=cast.carol)
        assert (another.kind, another.queue, another.created_by) == (kind, run.queue, cast.carol)
        assert another.pk != run.pk
        assert another.variant == run.variant == ("ppo" if kind == "train_policy" else "")
        mine, theirs = (getattr(one, kinds.kind_of(one).row) for one in (run, another))
        for field in (
            "config",
            "start_id",
            "reward_model_id",
            "policy_id",
            "prompts",
            "base",
            "base_artifact_id",
            "split",
            "version_id",
            "adapter",
            "license",
        ):
            assert getattr(mine, field, None) == getattr(theirs, field, None), (kind, field)
        if kind == "evaluate_policy":
            assert set(mine.policies.all()) == set(theirs.policies.all())
        if kind == "compare_reward_models":
            assert set(mine.versions.all()) == set(theirs.versions.all())


def test_a_comparison_of_policies_came_to_the_prompts_that_all_of_them_answered() -> None:
    run = Run(kind="evaluate_policy", status="succeeded", result={"prompts": 1920, "completions": 2})
    assert describing.outcome(run) == "1,920 prompts"


def test_a_list_of_many_runs_asks_no_more_than_one_of_few(
    cast: Cast, django_assert_max_num_queries: Any
) -> None:
    runs_of_every_kind(cast.project)
    for run in list(kinds.runs_of(cast.project)):
        lifecycle.cancel(run=run)
        kinds.request_again(run=run, created_by=None)
    client = Client()
    client.force_login(cast.carol)
    with django_assert_max_num_queries(12):
        client.get("/admin/projects/helpful/runs/")


def test_the_table_shows_results_notes_and_what_differs_and_finds_by_kind_status_and_tag(cast: Cast) -> None:
    by_kind = runs_of_every_kind(cast.project)
    fit, ppo = by_kind["fit_reward_model"], by_kind["train_policy"]
    now = timezone.now()
    Run.objects.filter(pk=fit.pk).update(
        status="succeeded", finished_at=now, result={"reward_model": 3, "accuracy": 0.71444}
    )
    Run.objects.filter(pk=ppo.pk).update(
        status="succeeded", finished_at=now, result={"policy": 3, "gain": 0.25}
    )
    client = Client()
    client.force_login(cast.carol)
    note = {"note": "Looks <b>good</b>.", "tags": "Baseline  long-run baseline"}
    assert client.post(f"/admin/runs/{ppo.pk}/note/", note).status_code == 302
    ppo.refresh_from_db()
    assert (ppo.note, ppo.tags, ppo.archived) == ("Looks <b>good</b>.", ["baseline", "long-run"], False)
    text = page(cast, "/admin/projects/helpful/runs/")
    for words in (
        "v3, accuracy 71.4%",
        "v3, gain +0.250",
        "steps 7",
        "Looks &lt;b&gt;good&lt;/b&gt;.",
        "?tag=long-run",
    ):
        assert words in text

    def listed(query: str) -> set[int]:
        text = page(cast, f"/admin/projects/helpful/runs/?{query}")
        return {run.pk for run in by_kind.values() if f'href="/admin/runs/{run.pk}/"' in text}

    everything = {run.pk for run in by_kind.values()}
    assert listed("") == everything
    assert listed("tag=BASELINE") == listed("kind=train_policy") == {ppo.pk}
    assert listed("status=succeeded") == {ppo.pk, fit.pk}
    assert listed("kind=nothing") == listed("tag=%00x") == set()
    client.post(f"/admin/runs/{fit.pk}/note/", {"note": "", "tags": "", "archived": "yes"})
    assert (listed(""), listed("archived=yes")) == (everything - {fit.pk}, {fit.pk})


@pytest.mark.parametrize("tags", ["no;word", " ".join(f"t{n}" for n in range(11)), "x" * 41])
def test_what_is_no_tag_is_refused_and_nothing_changes(cast: Cast, tags: str) -> None:
    run = make_transfer(cast.project).run
    noting.annotate(run=run, note="Mine.", tags=["kept"], archived=False)
    client = Client()
    client.force_login(cast.carol)
    answer = client.post(f"/admin/runs/{run.pk}/note/", {"note": "Other.", "tags": tags}, follow=True)
    assert "tag" in answer.content.decode().split('role="status"')[1][:200]
    run.refresh_from_db()
    assert (run.note, run.tags) == ("Mine.", ["kept"])


def test_a_run_that_can_be_asked_for_again_offers_it(cast: Cast) -> None:
    run = make_transfer(cast.project).run
    Run.objects.filter(pk=run.pk).update(status="succeeded", finished_at=timezone.now())
    assert "Run again" in page(cast, f"/admin/runs/{run.pk}/")
    client = Client()
    client.force_login(cast.carol)
    answer = client.post(f"/admin/runs/{run.pk}/again/")
    another = Run.objects.latest("pk")
    assert answer["Location"] == f"/admin/runs/{another.pk}/"
    assert (another.transfer.kind, another.transfer.project) == ("pairs", cast.project)


def test_an_import_is_not_asked_for_again(cast: Cast, tmp_path: Path, settings: Any) -> None:
    files = {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path / "files"}}
    settings.STORAGES = {**settings.STORAGES, "default": files}
    run = transfers.request_import(project=cast.project, kind="prompts", file=ContentFile(b"{}\n"))
    with pytest.raises(NotAgain):
        kinds.request_again(run=run, created_by=None)
    Run.objects.filter(pk=run.pk).update(status="failed", finished_at=timezone.now())
    assert "Run again" not in page(cast, f"/admin/runs/{run.pk}/")


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_training_that_ended_early_goes_on(cast: Cast, status: str) -> None:
    run = runs_of_every_kind(cast.project)["train_policy"]
    now = timezone.now()
    Run.objects.filter(pk=run.pk).update(
        status=status,
        attempt=2,
        lost_workers=3,
        worker="gone",
        started_at=now,
        finished_at=now,
        cancel_requested_at=now,
        reason="The disk is full.",
    )
    client = Client()
    client.force_login(cast.carol)
    assert "Go on from its checkpoint" in page(cast, f"/admin/runs/{run.pk}/")
    client.post(f"/admin/runs/{run.pk}/resume/")
    run.refresh_from_db()
    assert (run.status, run.attempt, run.lost_workers, run.worker, run.reason) == ("queued", 2, 0, "", "")
    assert (run.finished_at, run.cancel_requested_at) == (None, None)
    again = lifecycle.claim(run_id=run.pk, worker="next")
    assert again is not None
    assert again.attempt == 3
    with pytest.raises(RunNotEnded):
        kinds.request_resume(run=run)


def test_what_keeps_no_checkpoint_or_has_succeeded_does_not_go_on(cast: Cast) -> None:
    by_kind = runs_of_every_kind(cast.project)
    for kind, status in (("sample_completions", "failed"), ("train_policy", "succeeded")):
        Run.objects.filter(pk=by_kind[kind].pk).update(status=status, finished_at=timezone.now())
        assert "Go on from" not in page(cast, f"/admin/runs/{by_kind[kind].pk}/")
        with pytest.raises(RunNotEnded):
            kinds.request_resume(run=by_kind[kind])


def test_settings_that_differ_come_first_and_facts_lead_to_what_they_name(cast: Cast) -> None:
    run = runs_of_every_kind(cast.project)["train_policy"]
    settings = describing.settings(run)
    assert settings is not None
    assert [(one.name, one.value, one.default) for one in settings.changed] == [
        ("steps", "7", "by the policy's size")
    ]
    assert ("seed", "0") in [(one.name, one.value) for one in settings.rest]
    assert not {"policy", "reward model"} & {one.name for one in [*settings.changed, *settings.rest]}
    facts = {fact.name: (fact.text, fact.address) for fact in describing.facts(run, cast.project)}
    assert facts["Started from"] == ("policy v1", "/admin/projects/helpful/policies/#v1")
    assert facts["Follows"] == ("reward model v1", "/admin/projects/helpful/reward-models/#v1")


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("fit_reward_model", "Cancelling writes a checkpoint first: the run can go on from there."),
        (
            "score_completions",
            "What it has stored so far stays when it is cancelled, and the rest is not done.",
        ),
        ("choose_tasks", "What it has done is lost when it is cancelled."),
    ],
)
def test_a_run_at_work_says_what_a_cancellation_leaves(cast: Cast, kind: str, sentence: str) -> None:
    run = runs_of_every_kind(cast.project)[kind]
    Run.objects.filter(pk=run.pk).update(
        status="running", started_at=timezone.now(), heartbeat_at=timezone.now() + SOON, finished_at=None
    )
    text = page(cast, f"/admin/runs/{run.pk}/")
    assert sentence in text


def test_a_queued_run_says_what_it_waits_for(cast: Cast) -> None:
    first, second, third = (make_transfer(cast.project).run for _ in range(3))
    Run.objects.update(created_at=timezone.now() + SOON)
    before = page(cast, f"/admin/runs/{first.pk}/")
    assert "Waits for a worker of the queue cpu" in before
    assert "It has not begun: nothing is lost when it is cancelled." in before
    now = timezone.now()
    Run.objects.filter(pk=first.pk).update(
        status="running", started_at=now, heartbeat_at=now + SOON, expected_end=now + timedelta(seconds=290)
    )
    text = page(cast, f"/admin/runs/{third.pk}/")
    assert "In the queue cpu: 1 run at work, 1 before this one." in text
    assert "nothing is lost" not in page(cast, f"/admin/runs/{first.pk}/")
    assert "The first is done in about 4 min" in text
    assert second.pk < third.pk


# What has just been said is still new, however slow the machine is.
SOON = timedelta(hours=1)


@pytest.mark.parametrize("worker", ["none yet", "gone", "at another queue"])
def test_where_no_worker_takes_it_the_page_says_what_to_do(cast: Cast, worker: str) -> None:
    """Of a queue in which somebody works, or did a moment ago, it says nothing of the kind."""
    other, run = (make_transfer(cast.project).run for _ in range(2))
    now = timezone.now()
    Run.objects.update(created_at=now - timedelta(minutes=3))
    if worker != "none yet":
        heard = now - timedelta(minutes=2 if worker == "gone" else 0)
        queue = "cpu" if worker == "gone" else "gpu"
        Run.objects.filter(pk=other.pk).update(
            status="running", started_at=heard, heartbeat_at=heard, queue=queue
        )
    text = page(cast, f"/admin/runs/{run.pk}/")
    assert f"No worker of the queue cpu has taken anything for {2 if worker == 'gone' else 3} min" in text
    assert "“make serve”" in text
    Run.objects.filter(pk=other.pk).update(
        status="running", queue="cpu", started_at=now, heartbeat_at=now + SOON
    )
    assert "1 run at work" in page(cast, f"/admin/runs/{run.pk}/")
    Run.objects.filter(pk=other.pk).update(status="succeeded", finished_at=now)
    assert "Waits for a worker of the queue cpu to take it." in page(cast, f"/admin/runs/{run.pk}/")


def test_a_worker_that_is_there_and_busy_with_something_else_is_told_as_busy(cast: Cast) -> None:
    _, run = (make_transfer(cast.project).run for _ in range(2))
    Run.objects.update(created_at=timezone.now() - timedelta(minutes=3))
    address = f"/admin/runs/{run.pk}/"
    # Sweeps and the other queue are no sign of one.
    with Presence(["quick", "gpu"]):
        wait_for(lambda: has_worker("gpu"))
        assert "No worker of the queue cpu has taken anything" in page(cast, address)
    with Presence(["quick", "cpu"]):
        wait_for(lambda: has_worker("cpu"))
        text = page(cast, address)
        assert "The worker of the queue cpu is busy with something that is no run" in text
        assert "this run&#x27;s turn after 1 before it" in text
        assert "No worker" not in text
    wait_for(lambda: not has_worker("cpu"))
    assert "No worker of the queue cpu has taken anything" in page(cast, address)


def test_a_run_that_goes_on_waits_since_it_was_sent(cast: Cast) -> None:
    run = make_transfer(cast.project).run
    now = timezone.now()
    Run.objects.update(created_at=now - timedelta(days=1), attempt=1, sent_at=now + SOON)
    assert "Waits for a worker" in page(cast, f"/admin/runs/{run.pk}/")
    Run.objects.update(sent_at=now - timedelta(minutes=1))
    assert "No worker of the queue cpu has taken anything" in page(cast, f"/admin/runs/{run.pk}/")


def test_curves_go_out_as_a_table(cast: Cast) -> None:
    run = make_transfer(cast.project).run
    for step in (1, 2):
        RunMetric.objects.create(run=run, step=step, figures={"step": step, "loss": step / 4, "note": "x"})
    RunMetric.objects.create(run=run, step=3, figures={"step": 3, "loss": 1, "kl": 0.5})
    lines = list(csv.reader(page(cast, f"/admin/runs/{run.pk}/metrics/?format=csv").splitlines()))
    assert lines == [["step", "kl", "loss"], ["1", "", "0.25"], ["2", "", "0.5"], ["3", "0.5", "1.0"]]


def laid(text: str) -> dict[str, bool]:
    """The other runs that a page offers, and whether each is chosen."""
    boxes = re.findall(
        r'<input type="checkbox" value="(\d+)" data-metrics="[^"]*" autocomplete="off"(.*?)>', text
    )
    return {pk: "checked" in rest for pk, rest in boxes}


def test_a_chosen_run_is_offered_however_old_it_is_and_six_at_most(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.pages.run.MOST_OTHERS", 2)
    runs = [make_transfer(cast.project).run for _ in range(9)]
    RunMetric.objects.bulk_create(RunMetric(run=run, step=1, figures={"step": 1, "loss": 1}) for run in runs)
    *others, run = runs
    chosen = "&".join(f"over={other.pk}" for other in others[:7])
    marks = laid(page(cast, f"/admin/runs/{run.pk}/?{chosen}"))
    assert marks == {str(other.pk): other in others[:6] for other in others}
    lines = page(cast, f"/admin/runs/{run.pk}/metrics/?format=csv&over={others[3].pk}&over={others[0].pk}")
    assert [line.split(",") for line in lines.splitlines()] == [
        ["run", "step", "loss"],
        *([str(one.pk), "1", "1.0"] for one in (run, others[3], others[0])),
    ]


def test_other_runs_of_the_kind_with_curves_can_be_laid_over(cast: Cast) -> None:
    one, other, bare = (make_transfer(cast.project).run for _ in range(3))
    elsewhere = make_transfer(cast.other).run
    for run in (one, other, elsewhere):
        RunMetric.objects.create(run=run, step=1, figures={"step": 1, "loss": 1})
    text = page(cast, f"/admin/runs/{one.pk}/")
    assert laid(text) == {str(other.pk): False}
    text = page(
        cast,
        f"/admin/runs/{one.pk}/?over={other.pk}&over={bare.pk}&over={elsewhere.pk}&over=x&over={'9' * 5000}",
    )
    assert laid(text) == {str(other.pk): True}
    Run.objects.filter(pk=bare.pk).update(status="succeeded", finished_at=timezone.now())
    assert "Curves" not in page(cast, f"/admin/runs/{bare.pk}/")  # none, and none to come


def test_files_of_what_was_made_are_downloaded_and_no_others(
    cast: Cast, tmp_path: Path, settings: Any
) -> None:
    location = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = {**settings.STORAGES, "artifacts": location}
    version = make_reward_model(cast.project, 1, make_snapshot(cast.project, "s"))
    version.artifact.files = {
        "meta.json": {"sha256": "0", "bytes": 2},
        "lost.json": {"sha256": "0", "bytes": 2},
    }
    version.artifact.save()
    storages["artifacts"].save(f"{version.artifact.digest}/meta.json", ContentFile(b"{}"))
    storages["artifacts"].save("other/secret.json", ContentFile(b"{}"))
    run = version.fit.run
    Run.objects.filter(pk=run.pk).update(status="succeeded", finished_at=timezone.now())
    assert f'href="/admin/runs/{run.pk}/files/meta.json"' in page(cast, f"/admin/runs/{run.pk}/")
    client = Client()
    client.force_login(cast.carol)
    answer = client.get(f"/admin/runs/{run.pk}/files/meta.json")
    assert b"".join(answer) == b"{}"
    assert answer["Content-Disposition"] == 'attachment; filename="meta.json"'
    for name in ("lost.json", "none.json", "../other/secret.json", "%2e%2e/other/secret.json"):
        assert client.get(f"/admin/runs/{run.pk}/files/{name}").status_code == 404
