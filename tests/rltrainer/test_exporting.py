"""manage.py export_model: a version of a project as a folder, whole or not there, and on a hub where that is asked."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from django.core.management import call_command
from django.core.management.base import CommandError
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

from annotation.models import Project
from rewardmodel.models import RewardModelVersion
from rltrainer import policies
from rltrainer.models import PolicyVersion, Training
from rltrainer.policy.loading import load_policy, save_policy
from runs import artifacts
from runs.folder.errors import BadInput
from runs.folder.files import folder_digest, whole_folder
from runs.models import Run
from tests.annotation.factories import make_project
from tests.hub import Hub, serving
from tests.lm.cards import read_card
from tests.rewardmodel.pure.factories import fit, make_fit
from tests.rewardmodel.versions import make_active
from tests.rltrainer.factories import make_snapshot
from tests.rltrainer.policy.factories import make_folder

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


def exported(capsys: pytest.CaptureFixture[str], project: Project, output: Path, **options: Any) -> Any:
    capsys.readouterr()
    call_command("export_model", project=project.slug, output=output, **options)
    return json.loads(capsys.readouterr().out)


def make_reward_model(project: Project, tmp_path: Path) -> RewardModelVersion:
    fitted = make_fit(tmp_path / "fit", epochs=1)
    fit(fitted)
    return make_active(project, fitted.output)


def test_a_reward_model_goes_out_by_its_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = make_project()
    make_reward_model(project, tmp_path)
    output = tmp_path / "there" / "out"
    report = exported(capsys, project, output, reward_model=1, license="mit")
    assert (report["reward_model"], report["folder"]) == (1, str(output))
    assert report["digest"] == folder_digest(output)
    model = AutoModelForSequenceClassification.from_pretrained(output)
    assert (model.config.num_labels, type(model).__name__) == (1, "LlamaForSequenceClassification")
    card = read_card(output)
    assert (card.data.license, card.text.split("\n")[1]) == ("mit", f"# {project.name}: reward model v1")
    assert list(output.parent.iterdir()) == [output], "nothing is left beside it"


def make_chain(project: Project, tmp_path: Path) -> list[PolicyVersion]:
    """A hub's base, which is no folder here, and what SFT with LoRA and then PPO without made of it."""
    base = policies.make_version(project=project, base="hub/base")
    versions = [base]
    for algorithm in ("sft", "ppo"):
        run = Run.objects.create(kind="train_policy")
        folder = make_folder(tmp_path / f"base of {algorithm}")
        policy = load_policy(str(folder), lora=None, device=torch.device("cpu"))
        save_policy(policy, tmp_path / algorithm, {"made_by": algorithm})
        artifact = artifacts.store(folder=tmp_path / algorithm, kind="policy", run=run)
        reward_model = project.reward_model_versions.first() if algorithm == "ppo" else None
        training = Training.objects.create(
            run=run, project=project, algorithm=algorithm, start=versions[-1], reward_model=reward_model
        )
        versions.append(policies.make_version(project=project, artifact=artifact, training=training))
    return versions


def test_a_policy_goes_out_and_its_card_names_the_base_that_it_goes_back_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make_project()
    follows = make_reward_model(project, tmp_path).fit
    follows.snapshot = make_snapshot(project, "s", simulated=5)
    follows.save()
    make_chain(project, tmp_path)
    report = exported(capsys, project, tmp_path / "out", policy=3)
    assert (report["policy"], report["digest"]) == (3, folder_digest(tmp_path / "out"))
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "out").config.vocab_size == 16
    card = read_card(tmp_path / "out")
    assert (card.data.base_model, card.data.license) == ("hub/base", "other")
    assert "**5 rankings behind it are by simulated annotators**" in card.text


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"reward_model": 7}, "has no reward model v7"),
        ({"policy": 7}, "has no policy v7"),
        ({"reward_model": 1, "adapter": True}, "this version has none, so export it whole"),
        ({"policy": 1, "adapter": True}, "this version has none, so export it whole"),
        ({"policy": 2, "adapter": True}, "holds no adapter"),
    ],
)
def test_what_there_is_not_is_refused_in_a_sentence_and_nothing_is_left(
    tmp_path: Path, options: dict[str, Any], reason: str
) -> None:
    project = make_project()
    make_reward_model(project, tmp_path)
    make_chain(project, tmp_path)
    (tmp_path / "here").mkdir()
    with pytest.raises(CommandError, match=reason):
        call_command("export_model", project=project.slug, output=tmp_path / "here" / "out", **options)
    assert not list((tmp_path / "here").iterdir())


def test_either_a_reward_model_or_a_policy_is_named(tmp_path: Path) -> None:
    for options in ([], ["--policy", "1", "--reward-model", "1"]):
        with pytest.raises(CommandError, match=r"required|not allowed"):
            call_command("export_model", "--project", "p", "--output", str(tmp_path / "out"), *options)


def test_a_folder_that_holds_something_is_left_as_it_is(tmp_path: Path) -> None:
    project = make_project()
    make_reward_model(project, tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(CommandError, match="is there already, and not an empty folder"):
        call_command("export_model", project=project.slug, output=tmp_path / "out", reward_model=1)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_a_folder_is_whole_or_not_there(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with pytest.raises(FileNotFoundError), whole_folder(target) as part:
        (part / "half-way" / "one").write_text("1")
    assert not list(tmp_path.iterdir())
    target.mkdir()
    with whole_folder(target) as part:
        (part / "one").write_text("1")
        assert not list(target.iterdir())
    assert [path.name for path in target.iterdir()] == ["one"]
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be made"), whole_folder(tmp_path / "file" / "out"):
        pass


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving() as server:
        yield server


PUSH = """
import sys
from pathlib import Path
from runs.pushing import push
print(push(Path(sys.argv[1]), sys.argv[2]))
"""


def pushed(folder: Path, repository: str, endpoint: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", PUSH, str(folder), repository],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "HF_ENDPOINT": endpoint, "HF_TOKEN": "hf_made_up", "HF_HUB_OFFLINE": "0"},
    )


def test_a_folder_is_pushed_as_one_commit_into_a_private_repository(tmp_path: Path, hub: Hub) -> None:
    folder = make_folder(tmp_path / "out")
    (folder / "README.md").write_text("---\nlicense: other\n---\n# Ours\n")
    done = pushed(folder, "us/ours", hub.address)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith(f"/us/ours/commit/{'1' * 40}")
    assert [(one["name"], one["visibility"]) for one in hub.repositories] == [("ours", "private")]
    (files,) = hub.committed.values()
    assert files == sorted(path.name for path in folder.iterdir())


def test_the_command_pushes_only_what_it_is_asked_to(
    tmp_path: Path, hub: Hub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.address)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    # In a file, as a log-in leaves it: a child with a variable of the hub's could not be forked.
    (tmp_path / "token").write_text("hf_made_up")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "token"))
    project = make_project()
    policies.make_version(project=project, base=str(make_folder(tmp_path / "ours")))
    report = exported(capsys, project, tmp_path / "kept", policy=1)
    assert ("pushed" in report, hub.repositories) == (False, [])
    report = exported(capsys, project, tmp_path / "out", policy=1, push="us/ours")
    assert report["pushed"] == f"{hub.address}/us/ours/commit/{'1' * 40}"
    (files,) = hub.committed.values()
    assert files == sorted(path.name for path in (tmp_path / "out").iterdir())
    assert {"README.md", "model.safetensors", "tokenizer.json", "generation_config.json"} <= set(files)


def test_a_hub_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    done = pushed(make_folder(tmp_path / "out"), "us/ours", "http://127.0.0.1:9")
    assert "BadInput" in done.stderr
    assert "is written, but not pushed to us/ours" in done.stderr.strip().splitlines()[-1]
