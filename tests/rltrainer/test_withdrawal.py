"""Which versions used what was withdrawn: through snapshots, runs, and the versions that they started from."""

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from annotation.files import snapshots
from annotation.models import Annotator, Completion, Demonstration, Snapshot
from annotation.withdrawal import erasure
from annotation.withdrawal.lineage import descended
from lm.manifest import check_manifest, files_of
from rltrainer.lineage import learnt_from
from rltrainer.models import Evaluation, PolicyVersion
from rltrainer.policy import sft
from runs import artifacts
from runs.execution import folder_of
from runs.folder.errors import Stopped
from runs.folder.files import read_json, write_json
from runs.folder.metrics import read_metrics
from runs.folder.stopping import StopSignal
from runs.models import Run
from tests.annotation.factories import make_project, put, ranking
from tests.rltrainer.factories import make_policy, make_reward_model, make_snapshot
from tests.rltrainer.policy.factories import make_sft_folder
from tests.stopping import StopWhen
from tests.storing import store_artifacts_in

pytestmark = pytest.mark.django_db


def test_every_version_that_used_it_is_listed_and_no_other() -> None:
    project = make_project()
    with_prompt, free = make_snapshot(project, "held"), make_snapshot(project, "free")
    base = make_policy(project, 1)
    sft = make_policy(project, 2, algorithm="sft")
    used, clean = make_reward_model(project, 1, with_prompt), make_reward_model(project, 2, free)
    followed = make_policy(project, 3, algorithm="ppo", start=base, reward_model=used)
    make_policy(project, 4, algorithm="ppo", start=sft, reward_model=clean)
    make_policy(project, 5, algorithm="ppo", start=followed, reward_model=clean)
    make_reward_model(project, 3, free, base=followed)
    assert descended(project=project, snapshots={with_prompt.pk}, runs=set()) == {
        "policies": [3, 5],
        "reward_models": [1, 3],
    }
    # A demonstration that only the SFT run had read.
    assert sft.training is not None
    assert descended(project=project, snapshots=set(), runs={sft.training.run_id}) == {
        "policies": [2, 4],
        "reward_models": [],
    }
    assert descended(project=project, snapshots=set(), runs=set()) == {"policies": [], "reward_models": []}
    assert descended(project=make_project(), snapshots={with_prompt.pk}, runs=set()) == {}


def test_of_a_completion_the_versions_are_named_whose_snapshots_hold_it(
    tmp_path: Path, settings: Any
) -> None:
    """By the snapshots' files: also what was superseded later, and nothing of what a rule alone judged."""
    store_artifacts_in(tmp_path / "files", settings)
    project, taken = make_project(), list[Snapshot]()
    batches = [
        [ranking("one", 2, 1, annotator="ann", task="t"), ranking("two", 1, 2, 3, annotator="bob")],
        [ranking("one", 1, 2, annotator="ann", task="t"), ranking("three", 1, 2, annotator="bob")],
        [ranking("four", 2, 1, annotator="bob")],
    ]
    put(project, "rankings", ranking("five", 2, 1, annotator="rule"))
    Annotator.objects.filter(pseudonym="rule").update(simulated=True)
    for lines in batches:
        put(project, "rankings", *lines)
        taken.append(snapshots.take(project=project))
    put(project, "completions", {"prompt": "six", "completions": [{"text": "yes"}, {"text": "no"}]})
    make_reward_model(project, 1, taken[1])
    first = make_reward_model(project, 2, taken[0])
    make_reward_model(project, 3, taken[2])
    make_policy(project, 1, algorithm="ppo", start=make_policy(project, 2), reward_model=first)
    texts = {
        one.pk: (artifacts.local_folder(one.artifact) / snapshots.FILE_NAME).read_text() for one in taken
    }
    named = []
    for completion in Completion.objects.filter(prompt__project=project).order_by("pk"):
        holding = {pk for pk, text in texts.items() if str(completion.public_id) in text}
        expected = descended(project=project, snapshots=holding, runs=set())
        assert {kind: expected[kind] for kind in learnt_from(completion)} == learnt_from(completion)
        assert learnt_from(completion) or not any(expected.values())
        named.append(expected.get("reward_models", []))
    assert [1, 2, 3] in named
    assert [1, 3] in named
    assert [3] in named
    assert [] in named
    assert learnt_from(Completion.objects.filter(prompt__messages__0__content="one").earliest("pk")) == {
        "policies": [1],
        "reward_models": [1, 2, 3],
    }


def test_reports_of_later_stages_lose_what_they_quote(tmp_path: Path, settings: Any) -> None:
    store_artifacts_in(tmp_path / "files", settings)
    settings.RUNS_DIR = tmp_path / "runs"
    project = make_project()
    put(project, "prompts", {"prompt": "Secret?"}, {"prompt": "Plain?"})
    secret, plain = project.prompts.order_by("pk")
    examples = [
        {
            "prompt_id": str(prompt.public_id),
            "prompt": prompt.messages,
            "before": {"completion": f"{prompt.last_text} a", "reward": 0.5},
            "texts": [f"{prompt.last_text} b"],
        }
        for prompt in (secret, plain)
    ]
    report = {"gain": 1.5, "examples": examples}
    policy = make_policy(project, 1, algorithm="sft")
    assert policy.training is not None
    run = policy.training.run
    folder = folder_of(run)
    folder.make()
    write_json(folder.output / "report.json", report)
    write_json(folder.output / "meta.json", {"files": files_of(folder.output), "report": report})
    stored = artifacts.store(folder=folder.output, kind="policy", run=run)
    PolicyVersion.objects.update(report=report, artifact=stored)
    evaluation = Evaluation.objects.create(
        run=Run.objects.create(kind="evaluate_policy", result=report), project=project, report=report
    )
    withdrawal = erasure.withdraw_prompt(project=project, public_id=str(secret.public_id))
    erasure.finish(withdrawal=withdrawal)
    policy.refresh_from_db()
    evaluation.refresh_from_db()
    evaluation.run.refresh_from_db()
    place = artifacts.local_folder(stored)
    rows = [policy.report, evaluation.report, evaluation.run.result]
    for value in [*rows, *(read_json(at / "report.json") for at in (place, folder.output))]:
        assert value["examples"][1] == examples[1]
        assert value["examples"][0] == {
            "prompt_id": str(secret.public_id),
            "prompt": [{"role": "user", "content": ""}],
            "before": {"completion": "", "reward": 0.5},
            "texts": [""],
        }
        assert value["gain"] == 1.5
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 4
    assert not [path for path in files if "Secret" in path.read_text()]
    # Loading still finds the files to be those that meta.json names.
    assert check_manifest(place)["files"] == files_of(place)


@pytest.mark.long
def test_a_run_that_was_stopped_begins_anew_without_what_was_withdrawn(tmp_path: Path, settings: Any) -> None:
    """Its checkpoint learnt of it, and is of inputs that are not there any more: it is not gone on with."""
    store_artifacts_in(tmp_path / "files", settings)
    settings.RUNS_DIR = tmp_path / "runs"
    project = make_project()
    put(project, "demonstrations", {"prompt": "Where is the cat?", "completion": "On the mat."})
    demonstration = Demonstration.objects.get(project=project)
    training = make_policy(project, 1, algorithm="sft").training
    assert training is not None
    folder = make_sft_folder(folder_of(training.run).path)
    inputs = folder.inputs / "demonstrations.jsonl"
    inputs.write_text(inputs.read_text().replace('"d0"', f'"{demonstration.public_id}"'))
    with pytest.raises(Stopped):
        sft.main(folder, StopWhen(lambda: len(read_metrics(folder.metrics_file)[0]) == 2))
    assert any(folder.checkpoint.iterdir())
    Run.objects.filter(pk=training.run_id).update(status=Run.Status.CANCELLED, finished_at=timezone.now())
    before = inputs.read_text()
    withdrawal = erasure.withdraw_prompt(project=project, public_id=str(demonstration.prompt.public_id))
    assert erasure.finish(withdrawal=withdrawal)
    assert inputs.read_text() != before
    assert not folder.checkpoint.exists()
    sft.main(folder, StopSignal())
    assert read_metrics(folder.metrics_file)[0][0]["step"] == 1
    assert (folder.output / "model.safetensors").is_file()
