"""What the web side and the policy's child hand each other, and what a request that cannot be met says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from annotation.models import Project, Prompt, Task
from rewardmodel.errors import NoRewardModel
from rltrainer import policies, sampling, succession, training
from rltrainer.errors import BadConfig, NoDemonstrations, NoPolicy, NoPrompts
from rltrainer.evaluation import request_evaluation
from rltrainer.lineage import lineage_of
from rltrainer.models import PolicySettings, PolicyVersion
from rltrainer.policy import evaluate, sample, sft
from runs import artifacts, kinds
from runs.folder.folder import RunFolder
from runs.folder.stopping import StopSignal
from runs.models import Run
from tests.annotation.factories import make_project, put
from tests.rltrainer.policy.factories import TINY, make_folder
from tests.storing import store_artifacts_in

pytestmark = pytest.mark.django_db

DEVICE = {"threads": 1, "device": "cpu"}
CHILDREN = {"sft": sft.main, "sample": sample.main, "evaluate": evaluate.main}


@pytest.fixture(autouse=True)
def _homes(tmp_path: Path, settings: Any) -> None:
    store_artifacts_in(tmp_path / "files", settings)


def make_asking_project(prompts: int = 6, **fields: Any) -> Project:
    """A project with prompts, and the settings that keep a sampling short."""
    project = make_project(**fields)
    put(project, "prompts", *({"prompt": f"the cat sat {n}", "id": f"p{n}"} for n in range(prompts)))
    PolicySettings.objects.create(project=project, sampling={"max_new_tokens": 5, **DEVICE})
    return project


def carry_out(run: Run, path: Path) -> dict[str, Any]:
    """What a worker does with a run, the child's main in this process; the run's result."""
    folder = RunFolder(path)
    folder.make()
    kind = kinds.kind_of(run)
    kind.prepare(run, folder)
    module, command, place = kind.command(run, folder)[2:]
    assert (module, place) == ("rltrainer.policy", str(path))
    CHILDREN[command](folder, StopSignal())
    output = kind.store(run, folder)
    with transaction.atomic():
        kind.finish(run, output)
    run.refresh_from_db()
    result: dict[str, Any] = run.result
    return result


def test_sft_makes_the_current_version_of_what_people_demonstrated(tmp_path: Path) -> None:
    project = make_asking_project(prompts=0)
    lines = [{"prompt": f"Where is cat {n}?", "completion": f"Cat {n} sat on the mat."} for n in range(60)]
    put(project, "demonstrations", *lines)
    run = training.request_training(project=project, algorithm="sft", config=TINY)
    assert run.variant == "sft"
    assert carry_out(run, tmp_path / "run") == {
        "policy": 1,
        "current": True,
        "why": "The project's first policy.",
        "simulated": 0,
        "gain": None,
    }
    learned = {
        json.loads(line)["completion"]
        for line in (tmp_path / "run/inputs/demonstrations.jsonl").read_text().splitlines()
    }
    assert learned == {line["completion"] for line in lines}
    version = policies.require_policy(project=project)
    assert (version.number, version.training, version.source.kind) == (1, run.training, "policy")
    assert version.artifact is not None
    assert (artifacts.local_folder(version.artifact) / "model.safetensors").exists()
    in_train = Prompt.objects.filter(project=project, split="train", demonstrations__isnull=False)
    assert version.report["demonstrations"] == in_train.count()

    # The next one starts from it, and is measured beside it.
    succession.configure(project=project, succeeds=True, succession_prompts=1)
    rest = {name: value for name, value in TINY.items() if name != "base"}
    again = training.request_training(
        project=project, algorithm="sft", config={**rest, "learning_rate": 0.01, "epochs": 4}
    )
    result = carry_out(again, tmp_path / "again")
    assert result["why"].startswith("Held-out demonstrations are +")
    assert result["why"].endswith(
        f"than v1's on the same {version.report['held_out_demonstrations']} prompts: better."
    )
    assert policies.require_policy(project=project).number == result["policy"] == 2


def test_samples_become_tasks_of_the_prompts_that_have_the_fewest(tmp_path: Path) -> None:
    project = make_asking_project(completions_per_task=2)
    version = policies.make_version(project=project, base=str(make_folder(tmp_path / "policy")))
    first = sampling.request_sampling(project=project, prompts=4)
    assert carry_out(first, tmp_path / "first")["policy"] == 1
    prompt_ids = set(Task.objects.values_list("prompt__external_id", flat=True))
    assert len(prompt_ids) == Task.objects.count() == 4
    second = sampling.request_sampling(project=project, prompts=2, config={"seed": 5})
    carry_out(second, tmp_path / "second")
    counts = {prompt.external_id: prompt.tasks.count() for prompt in project.prompts.all()}
    assert counts == {f"p{n}": 1 for n in range(6)}
    completion = second.sampling.completions.first()
    assert completion is not None
    assert completion.sampling["max_new_tokens"] == 5
    assert lineage_of(completion) == (version, None, None, None)


def test_policies_are_compared_on_held_out_prompts_alone(tmp_path: Path) -> None:
    project = make_asking_project(prompts=60)
    versions = [
        policies.make_version(project=project, base=str(make_folder(tmp_path / str(seed), seed)))
        for seed in (1, 2)
    ]
    run = request_evaluation(
        project=project, versions=versions, config={"max_new_tokens": 5, "completions": 1, **DEVICE}
    )
    result = carry_out(run, tmp_path / "run")
    assert result["versions"] == [1, 2]
    lines = [json.loads(line) for line in (tmp_path / "run/inputs/prompts.jsonl").read_text().splitlines()]
    held_out = project.prompts.exclude(split="train")
    assert {line["id"] for line in lines} == {str(prompt.public_id) for prompt in held_out}
    run.evaluation.refresh_from_db()
    assert run.evaluation.report == result


def test_a_request_that_cannot_be_met_says_why_and_queues_nothing(tmp_path: Path) -> None:
    empty = make_project()
    asking = make_asking_project()
    shown = make_asking_project()
    put(shown, "demonstrations", {"prompt": "Where?", "completion": "Here."})
    ready = make_asking_project()
    version = policies.make_version(project=ready, base=str(make_folder(tmp_path / "policy")))
    policies.make_version(project=empty, base=str(tmp_path / "policy"))
    requests: list[tuple[Callable[[], Run], type[Exception], str]] = [
        (lambda: sampling.request_sampling(project=empty), NoPrompts, "no prompts"),
        (lambda: sampling.request_sampling(project=asking), NoPolicy, "no current policy"),
        (lambda: sampling.request_sampling(project=ready, config={"top_q": 1}), BadConfig, "top_q"),
        (lambda: sampling.request_sampling(project=ready, config={"top_p": 2.0}), BadConfig, "top_p"),
        (
            lambda: training.request_training(project=asking, algorithm="sft"),
            NoDemonstrations,
            "no demonstrations",
        ),
        (
            lambda: training.request_training(project=shown, algorithm="sft", config={"epochs": "many"}),
            BadConfig,
            "epochs",
        ),
        (lambda: training.request_training(project=asking, algorithm="ppo"), NoPolicy, "no current policy"),
        (lambda: training.request_training(project=ready, algorithm="ppo"), NoRewardModel, "reward model"),
        (
            lambda: request_evaluation(project=ready, versions=[version], config={"completions": 0}),
            BadConfig,
            "completions",
        ),
        (lambda: request_evaluation(project=empty, versions=[version]), NoPrompts, "held-out"),
    ]
    held_out = ready.prompts.first()
    assert held_out is not None
    held_out.split = "test"
    held_out.save()
    for ask, error, words in requests:
        with pytest.raises(error, match=words):
            ask()
    assert not Run.objects.exists()


def test_versions_are_numbered_and_one_is_current() -> None:
    project, other = make_project(), make_project()
    for base in ("one", "two"):
        policies.make_version(project=project, base=base)
    kept = policies.make_version(project=project, base="three", current=False)
    assert policies.make_version(project=other, base="one").number == 1
    current = policies.current_policy(project)
    assert current is not None
    assert (current.number, kept.number) == (2, 3)
    policies.make_current(version=kept, why="By hand.")
    assert list(PolicyVersion.objects.filter(project=project, is_current=True)) == [kept]
    with pytest.raises(NoPolicy, match="no policy v7"):
        policies.require_policy(project=project, number=7)
