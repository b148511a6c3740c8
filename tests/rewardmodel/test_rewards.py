"""Rewards of completions as rows: what a version gives them, each once, and none of what is withdrawn."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, connection, transaction
from django.test import Client

from annotation.checking import control
from annotation.models import Completion, Project
from annotation.withdrawal import erasure
from rewardmodel import rewards
from rewardmodel.bradley_terry import commands
from rewardmodel.errors import AlreadyScoring, NothingToScore
from rewardmodel.models import Fit, Reward, Rewarding, RewardModelVersion
from runs import kinds, lifecycle
from runs.execution import Heart, execute, folder_of
from runs.folder.errors import Stopped
from runs.folder.folder import RunFolder
from runs.folder.stopping import StopSignal
from runs.foreground import run_here
from runs.models import Run
from tests.annotation.factories import emptied, make_project, out, out_values, put, put_bytes
from tests.api.world import Program, token_of
from tests.lm.cards import run_snippet
from tests.pages.cast import make_cast
from tests.rewardmodel.pure.test_handing_over import export
from tests.rewardmodel.versions import make_active
from tests.rltrainer.factories import make_reward_model, make_snapshot
from tests.runs.beside import beside
from tests.runs.conftest import claimed
from tests.storing import store_artifacts_in

pytestmark = pytest.mark.django_db(transaction=True)
FIT = {"context": 512, "epochs": 1}
# Looks at the signal while the lines of two prompts are counted; then come those of blocks of two lines.
LINES = 8
TEXTS = ["it is great and great", "it is awful and awful", "it is plain", "it is poor and good"]


@pytest.fixture(autouse=True)
def _homes(tmp_path: Path, settings: Any) -> None:
    store_artifacts_in(tmp_path / "files", settings)
    settings.RUNS_DIR = tmp_path / "runs"


def ask(project: Project, prompt: str, *texts: str, source: str = "m") -> None:
    put(
        project,
        "completions",
        {"prompt": prompt, "completions": [{"text": text, "source": source} for text in texts]},
    )


def make_answered(prompts: int = 2) -> Project:
    """A project of prompts that have the four texts as completions."""
    project = make_project()
    for number in range(prompts):
        ask(project, f"How is the inn {number}?", *TEXTS)
    return project


def named(*numbers: float) -> dict[UUID, float]:
    """These rewards of the first completions."""
    ids = Completion.objects.order_by("pk").values_list("public_id", flat=True)
    return dict(zip(ids, numbers, strict=False))


class StopsAfter(StopSignal):
    """Asked to stop when it is looked at so many times."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.left = looks

    def check(self) -> None:
        self.left -= 1
        if self.left < 0:
            self.ask()
        super().check()


def prepared(run: Run) -> tuple[Run, RunFolder]:
    """As a worker that has claimed it."""
    run, folder = claimed(run), folder_of(run)
    folder.make()
    kinds.kind_of(run).prepare(run, folder)
    folder.write_config(folder.read_config() | {"threads": 1, "device": "cpu"})
    return run, folder


def asked_of(folder: RunFolder) -> list[str]:
    """The public ids of the completions that a run has its child score."""
    return [
        json.loads(line)["completion_id"] for line in (folder.inputs / rewards.TEXTS).read_text().splitlines()
    ]


@pytest.mark.processes
def test_the_rewards_are_the_scores_of_the_model_as_transformers_loads_it(
    fitted: Path, tmp_path: Path
) -> None:
    project, other = make_answered(), make_answered()
    version = make_active(project, fitted, number=3)
    run = run_here(lambda: rewards.request_scoring(version=version))
    assert run.status == Run.Status.SUCCEEDED, run.reason
    assert run.result == {"completions": 8, "reward_model": 3}
    assert (run.done, run.total) == (8, 8)
    stored = Reward.objects.select_related("completion__prompt").order_by("pk")
    assert {one.completion for one in stored} == set(Completion.objects.filter(prompt__project=project))
    assert Completion.objects.filter(prompt__project=other, rewards=None).count() == 8
    theirs = run_snippet(export(tmp_path, fitted))["score"](
        [(one.completion.prompt.last_text, one.completion.text) for one in stored]
    )
    assert [one.value for one in stored] == pytest.approx(theirs.tolist(), abs=1e-5)
    assert float(theirs.std()) > 1e-3
    with pytest.raises(NothingToScore, match="v3 has not scored"):
        rewards.request_scoring(version=version)
    with pytest.raises(CommandError, match="v3 has not scored"):
        call_command("score_completions", project=project.slug)


def test_one_scoring_of_a_version_is_on_its_way_at_a_time(fitted: Path) -> None:
    project = make_answered()
    version, other = make_active(project, fitted), make_active(project, fitted, number=2)
    run = rewards.request_scoring(version=version)
    rewards.request_scoring(version=other)
    with pytest.raises(AlreadyScoring, match=f"v1 is at it: see run {run.pk},"):
        rewards.request_scoring(version=version)
    run = claimed(run)
    with pytest.raises(AlreadyScoring, match=f"v1 is at it: see run {run.pk},"):
        rewards.request_scoring(version=version)
    lifecycle.cancel(run=run)
    lifecycle.end_cancelled(run=run)
    assert rewards.request_scoring(version=version) != run


def test_what_is_scored_stays_after_a_cancel_and_another_run_scores_the_rest_once(
    fitted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "BLOCK", 2)
    version = make_active(make_answered(), fitted)
    run, folder = prepared(rewards.request_scoring(version=version))
    with pytest.raises(Stopped):
        commands.score(folder, StopsAfter(LINES + 6))
    rewards.KIND.follow(run, folder)  # type: ignore[misc]  # it has one
    lifecycle.cancel(run=run)
    lifecycle.end_cancelled(run=run)
    done = {str(one) for one in Reward.objects.values_list("completion__public_id", flat=True)}
    assert 0 < len(done) < 8
    assert len(done) % 2 == 0
    again, rest = prepared(kinds.request_again(run=run, created_by=None))
    assert again.rewarding.version == version
    assert sorted([*done, *asked_of(rest)]) == sorted(
        str(one) for one in Completion.objects.values_list("public_id", flat=True)
    )
    before = list(Reward.objects.order_by("pk").values())
    commands.score(rest, StopSignal())
    rewards.KIND.finish(again, rewards.KIND.store(again, rest))
    assert list(Reward.objects.order_by("pk").values())[: len(before)] == before
    assert Reward.objects.values("completion").distinct().count() == Reward.objects.count() == 8
    again.refresh_from_db()
    assert again.result == {"completions": 8 - len(done), "reward_model": 1}


def test_a_run_that_another_worker_picks_up_goes_on_behind_what_its_child_had_written(
    fitted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also behind a line of which a killed child wrote a part, which is read by nobody."""
    monkeypatch.setattr(commands, "BLOCK", 2)
    run, folder = prepared(rewards.request_scoring(version=make_active(make_answered(), fitted)))
    with pytest.raises(Stopped):
        commands.score(folder, StopsAfter(LINES + 6))
    path = folder.output / rewards.SCORES
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"score": 1')
    rewards.KIND.follow(run, folder)  # type: ignore[misc]
    assert Reward.objects.count() == whole.count(b"\n")
    assert Rewarding.objects.get().stored == len(whole)
    commands.score(folder, StopSignal())
    assert path.read_bytes().startswith(whole)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["completion_id"] for line in lines] == asked_of(folder)
    assert rewards.KIND.store(run, folder) == 8
    kept = Reward.objects.values_list("completion__public_id", "value")
    assert {str(public_id): value for public_id, value in kept} == {
        line["completion_id"]: line["score"] for line in lines
    }


def make_given() -> tuple[Project, RewardModelVersion]:
    """A version without files, which has given every completion of four prompts' a reward; one author is a person."""
    project = make_answered()
    ask(project, "And the mill?", "it is mine", "it is theirs")
    put(project, "demonstrations", {"prompt": "And the barn?", "completion": "Mine.", "annotator": "ann"})
    version = make_reward_model(project, 1, make_snapshot(project, "s"))
    rewards.keep(version=version, values=named(*range(10)))
    assert Reward.objects.count() == 10
    return project, version


def test_a_withdrawn_prompt_takes_its_rewards_along_and_gets_no_new_ones() -> None:
    project, version = make_given()
    prompt = Completion.objects.get(text="it is mine").prompt
    every = named(*range(10))
    erasure.withdraw_prompt(project=project, public_id=str(prompt.public_id))
    assert Reward.objects.count() == 8
    assert not Reward.objects.filter(completion__prompt=prompt).exists()
    rewards.keep(version=version, values=every)
    assert Reward.objects.count() == 8
    assert not rewards.missing(version).exists()


def test_a_withdrawn_author_takes_the_rewards_of_their_texts_along() -> None:
    project, _ = make_given()
    author = project.annotators.get(pseudonym="ann")
    source = author.sources.first() or project.sources.create(kind="person", name="ann", annotator=author)
    Completion.objects.filter(text="it is theirs").update(source=source)
    erasure.withdraw_annotator(project=project, pseudonym="ann")
    assert Reward.objects.count() == 9
    assert not Reward.objects.filter(completion__source=source).exists()


def test_rewards_that_are_stored_during_a_withdrawal_wait_for_it_and_leave_out_what_is_gone() -> None:
    project, version = make_given()
    prompt = Completion.objects.get(text="it is mine").prompt
    every = named(*range(10))
    Reward.objects.all().delete()
    beside(
        lambda: erasure.withdraw_prompt(project=project, public_id=str(prompt.public_id)),
        lambda: rewards.keep(version=version, values=every),
    )
    assert Reward.objects.count() == 8
    assert not Reward.objects.filter(completion__prompt=prompt).exists()


def test_a_withdrawal_during_which_rewards_are_stored_finds_them_all() -> None:
    project, version = make_given()
    prompt = Completion.objects.get(text="it is mine").prompt
    every = named(*range(10))
    Reward.objects.all().delete()
    beside(
        lambda: rewards.keep(version=version, values=every),
        lambda: erasure.withdraw_prompt(project=project, public_id=str(prompt.public_id)),
    )
    assert not Reward.objects.filter(completion__prompt=prompt).exists()
    assert Reward.objects.count() == 8


def test_a_completion_has_one_reward_of_a_version_and_none_when_either_is_gone() -> None:
    _, version = make_given()
    first = Reward.objects.order_by("pk")[0]
    with pytest.raises(IntegrityError, match="reward_once_a_version"), transaction.atomic():
        Reward.objects.create(version=version, completion=first.completion, value=7)
    rewards.keep(version=version, values=named(99.0))
    first.refresh_from_db()
    assert first.value == 0.0
    first.completion.entries.all().delete()
    first.completion.delete()
    assert Reward.objects.count() == 9
    version.delete()
    assert Reward.objects.count() == 0


def test_researchers_ask_by_page_program_and_command(
    fitted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cast = make_cast()
    ask(cast.project, "How is the inn?", *TEXTS)
    version = make_active(cast.project, fitted)
    client = Client()
    client.force_login(cast.carol)
    page = client.get("/admin/projects/helpful/reward-models/").content.decode()
    assert "Score completions" in page
    assert "order=rewarded" not in page
    answer = client.post("/admin/projects/helpful/score/", {"score-version": version.pk})
    run = Run.objects.get(kind=rewards.KIND.name)
    assert (answer.status_code, answer["Location"]) == (302, f"/admin/runs/{run.pk}/")
    assert "Score completions by reward model v1" in client.get(f"/admin/runs/{run.pk}/").content.decode()
    with pytest.raises(CommandError, match="v1 is at it"):
        call_command("score_completions", project="helpful", number=1)
    lifecycle.cancel(run=run)
    call_command("score_completions", project="helpful", number=1)
    report = json.loads(capsys.readouterr().out)
    assert (report["kind"], report["status"]) == ("score_completions", "queued")
    with pytest.raises(CommandError, match="no reward model v9"):
        call_command("score_completions", project="helpful", number=9)
    rewards.keep(version=version, values=named(1.0))
    page = client.get("/admin/projects/helpful/reward-models/").content.decode()
    assert "/data/completions/?order=rewarded" in page


@pytest.mark.parametrize("cancels", [True, False], ids=["cancelled", "given back"])
def test_a_preparation_stops_between_batches(
    monkeypatch: pytest.MonkeyPatch, settings: Any, cancels: bool
) -> None:
    """By a cancel, which the lease's heart brings, and by a worker that is to leave."""
    monkeypatch.setattr(rewards, "BATCH", 2)
    settings.RUN_HEARTBEAT_SECONDS = 0.05
    project, _ = make_given()
    run = claimed(rewards.request_scoring(version=make_reward_model(project, 2, make_snapshot(project, "t"))))
    written: list[int] = []
    hearts: list[Heart] = []
    monkeypatch.setattr(Heart, "check", lambda heart: hearts.append(heart))  # it is asked between batches

    def line_of(completion: Completion, prompt: Any) -> dict[str, Any]:
        written.append(completion.pk)
        if cancels and len(written) == 3:
            lifecycle.cancel(run=run)
            assert hearts[0].cancel.wait(60)
        return {}

    monkeypatch.setattr(rewards, "line_of", line_of)
    left = execute(run=run, stopping=lambda: not cancels and len(written) > 2)
    assert left.status == (Run.Status.CANCELLED if cancels else Run.Status.QUEUED), left.reason
    assert len(written) == 4 < Completion.objects.count()
    assert not folder_of(run).config_file.exists()


def test_exported_completions_carry_their_rewards_and_an_import_leaves_them_out() -> None:
    project, _ = make_given()
    ask(make_project(), "Elsewhere?", "it is far", "it is near")
    second = make_reward_model(project, 2, make_snapshot(project, "t"))
    far = Completion.objects.get(text="it is far").public_id
    rewards.keep(version=second, values={**dict(list(named(*range(7)).items())[3:]), far: 0.25})
    control.mark_gold(project=project, tasks=[_ranked_by_ann(project)])
    lines = [*out_values(project, "completions"), *out_values(project, "gold")]
    assert [len(line["completions"]) for line in lines] == [4, 4, 2, 4]
    exported = [
        (one["reward_model"], public_id, value)
        for line in lines
        for one in line["concord"].get("rewards", ())
        for public_id, value in zip(line["concord"]["completions"], one["values"], strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT version.number, completion.public_id::text, reward.value
            FROM annotation_taskcompletion entry
            JOIN annotation_task task ON task.id = entry.task_id AND task.project_id = %s
            JOIN annotation_completion completion ON completion.id = entry.completion_id
            JOIN rewardmodel_reward reward ON reward.completion_id = completion.id
            JOIN rewardmodel_rewardmodelversion version ON version.id = reward.version_id
            """,
            [project.pk],
        )
        stored = cursor.fetchall()
    assert sorted(one for one in exported if one[2] is not None) == sorted(stored)
    assert len(stored) == 14
    # One value a completion: where a version gave only some of a task theirs, the others say nothing.
    assert [one["values"] for one in lines[0]["concord"]["rewards"]] == [[0, 1, 2, 3], [None, None, None, 3]]
    assert "rewards" not in lines[-1]["concord"]
    # One by one, as the list of completions goes out: also those that no task shows.
    source = Completion.objects.get(text="it is mine").source
    Completion.objects.create(prompt=project.prompts.order_by("pk")[0], source=source, text="it is alone")
    one_by_one = out_values(project, "answers")
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT completion.public_id::text, completion.text, prompt.messages -> 0 ->> 'content', prompt.split,
                source.kind, array_agg(array[version.number, reward.value] ORDER BY version.number)
                    FILTER (WHERE reward.value IS NOT NULL)
            FROM annotation_completion completion
            JOIN annotation_prompt prompt ON prompt.id = completion.prompt_id AND prompt.project_id = %s
            JOIN annotation_source source ON source.id = completion.source_id
            LEFT JOIN rewardmodel_reward reward ON reward.completion_id = completion.id
            LEFT JOIN rewardmodel_rewardmodelversion version ON version.id = reward.version_id
            GROUP BY completion.id, prompt.id, source.id ORDER BY completion.id
            """,
            [project.pk],
        )
        completions = cursor.fetchall()
    assert len(completions) == Completion.objects.count() - 2
    assert completions[-1][1] == "it is alone"
    assert [
        (
            line["concord"]["id"],
            line["completion"],
            line["prompt"],
            line["concord"]["split"],
            line["concord"]["source_kind"],
            [[one["reward_model"], *one["values"]] for one in line["concord"].get("rewards", [])] or None,
        )
        for line in one_by_one
    ] == completions

    file = {kind: out(project, kind) for kind in ("completions", "gold")}
    put_bytes(project, "completions", file["completions"])
    assert (Completion.objects.count(), Reward.objects.count()) == (17, 15)
    RewardModelVersion.objects.all().delete()
    Fit.objects.all().delete()
    again = emptied(project)
    for kind, lines_of_kind in file.items():
        put_bytes(again, kind, lines_of_kind)
    for line in lines:
        line["concord"].pop("rewards", None)
    assert [*out_values(again, "completions"), *out_values(again, "gold")] == lines
    assert not Reward.objects.exists()


def _ranked_by_ann(project: Project) -> str:
    """The key of a task of four, which no version scored, and which ann ranked."""
    texts = [{"text": text, "rank": rank} for rank, text in enumerate(("a", "b", "c", "d"), 1)]
    put(
        project,
        "rankings",
        {"prompt": "And the inn?", "completions": texts, "annotator": "ann", "task": "ranked"},
    )
    return "ranked"


def test_a_program_reads_the_rewards_and_narrows_them() -> None:
    project, version = make_given()
    program = Program(token_of(User.objects.create_superuser("root")))
    address = f"projects/{project.slug}/reward-models/{version.number}/rewards/"
    page = program.ask("GET", f"{address}?page_size=4").json()
    listed = list(page["results"])
    while page["next"]:
        page = program.ask("GET", f"{address}?{page['next'].split('?')[1]}").json()
        listed += page["results"]
    assert {UUID(row["completion"]): row["value"] for row in listed} == named(*range(10))
    assert len(listed) == 10
    high = program.ask("GET", f"{address}?least=7.5&most=8").json()["results"]
    assert [row["value"] for row in high] == [8.0]
    prompt = Completion.objects.get(public_id=listed[0]["completion"]).prompt
    of_prompt = program.ask("GET", f"{address}?prompt={prompt.public_id}").json()["results"]
    assert [row["value"] for row in of_prompt] == [0.0, 1.0, 2.0, 3.0]
    assert {row["prompt"] for row in of_prompt} == {str(prompt.public_id)}
    for wrong in ("least=high", "most=nan", "prompt=1", "reward=1"):
        assert program.ask("GET", f"{address}?{wrong}").status_code == 400
    assert program.ask("GET", address.replace("/1/", "/2/")).status_code == 404
