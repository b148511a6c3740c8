"""Versions and the data set asked for by the client, made by a real worker, and loaded as others load them."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import load_dataset

from annotation.models import Project
from concord_client import Client, Conflict, NotFound, RunFailed
from console import describing
from lm.lora import LoraSettings
from rewardmodel.models import RewardModelVersion
from rltrainer import policies
from rltrainer.models import PolicyVersion, Training
from rltrainer.policy.loading import load_policy, save_policy
from runs import artifacts
from runs.folder.files import folder_digest
from runs.models import Run
from tests.annotation.factories import out_values
from tests.api.world import World
from tests.lm.cards import read_card, run_snippet
from tests.rewardmodel.pure.factories import fit
from tests.rewardmodel.pure.test_handing_over import PAIRS, fit_folder, llama, ours
from tests.rewardmodel.versions import make_active
from tests.rltrainer.policy.factories import make_folder

pytestmark = [
    pytest.mark.processes,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("worker"),
    # peft asks for it
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
]
IDS = torch.tensor([[3, 5, 8, 4, 11, 1]])


def downloaded(carol: Client, run: Any, into: Path) -> Path:
    """The folder of the archive that a run offers once it has succeeded."""
    runs = carol.project("helpful").runs
    done = runs.wait(run, progress_bar=False)
    archive = runs.output(run["id"], into / f"{run['id']}.zip")
    shutil.unpack_archive(archive, into)
    folder = into / str(done["result"]["folder"])
    if "digest" in done["result"]:
        assert folder_digest(folder) == done["result"]["digest"]
    return folder


def loaded(run: Any) -> Any:
    """By the lines that the run's page shows, beside where its archive was unpacked."""
    names: dict[str, Any] = {}
    exec(describing.loading(Run.objects.get(pk=run["id"])), names)
    return names["model"].eval()


def make_reward_model(project: Project, tmp_path: Path) -> RewardModelVersion:
    base = llama(tmp_path / "base")
    fitted = fit_folder(tmp_path / "fit", base=str(base), lora={"rank": 2, "alpha": 4}, learning_rate=0.03)
    fit(fitted)
    version = make_active(project, fitted.output, number=2)
    version.fit.base = str(base)
    version.fit.save()
    return version


def make_policy(project: Project, tmp_path: Path) -> PolicyVersion:
    """What LoRA learnt beside a folder, which is v2's: here by a hand that moves B."""
    base = make_folder(tmp_path / "policy")
    policy = load_policy(
        str(base), lora=LoraSettings(rank=2, alpha=4), device=torch.device("cpu"), reference=False
    )
    generator = torch.Generator().manual_seed(0)
    for name, value in policy.model.named_parameters():
        if "lora_B" in name:
            value.data = torch.randn(value.shape, generator=generator)
    save_policy(policy, tmp_path / "trained", {"made_by": "sft", "config": {"lora": {"rank": 2, "alpha": 4}}})
    run = Run.objects.create(kind="train_policy")
    return policies.make_version(
        project=project,
        artifact=artifacts.store(folder=tmp_path / "trained", kind="policy", run=run),
        training=Training.objects.create(
            run=run, project=project, algorithm="sft", config={"base": str(base)}
        ),
    )


def test_a_reward_model_scores_elsewhere_as_it_does_here(
    carol: Client, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = make_reward_model(world.cast.project, tmp_path)
    expected = ours(artifacts.local_folder(version.artifact))
    reward_models = carol.project("helpful").reward_models
    runs = [
        reward_models.export(2, license="apache-2.0"),
        reward_models.export(2, adapter=True),
    ]
    monkeypatch.chdir(tmp_path)
    for run, name in zip(runs, ("helpful-reward-model-v2", "helpful-reward-model-v2-adapter"), strict=True):
        folder = downloaded(carol, run, tmp_path)
        assert folder.name == name
        card = run_snippet(folder)
        torch.testing.assert_close(card["score"](PAIRS), expected, rtol=1e-5, atol=1e-5)
        model = loaded(run)
        model.config.get_text_config().pad_token_id = card["tokenizer"].pad_token_id
        scores = [model(torch.tensor([card["encode"](*pair)])).logits.item() for pair in PAIRS]
        torch.testing.assert_close(torch.tensor(scores) + card["CONSTANT"], expected, rtol=1e-5, atol=1e-5)
    assert read_card(tmp_path / "helpful-reward-model-v2").data.license == "apache-2.0"
    assert not (folder / "model.safetensors").exists(), "an adapter holds no whole weights"


@torch.no_grad()
def test_a_policy_says_elsewhere_what_it_says_here(
    carol: Client, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = make_policy(world.cast.project, tmp_path)
    here = load_policy(policies.location(version), lora=None, device=torch.device("cpu"), reference=False)
    expected = here.model(IDS).logits
    of_policies = carol.project("helpful").policies
    runs = [of_policies.export(version.number), of_policies.export(version.number, adapter=True)]
    monkeypatch.chdir(tmp_path)
    for run in runs:
        folder = downloaded(carol, run, tmp_path)
        torch.testing.assert_close(loaded(run)(IDS).logits, expected, rtol=1e-5, atol=1e-5)
    assert [path.name for path in sorted(tmp_path.glob("helpful-*"))] == [
        "helpful-policy-v3",
        "helpful-policy-v3-adapter",
    ]
    assert not (folder / "model.safetensors").exists()


def test_the_data_set_holds_what_an_export_says(
    carol: Client, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = carol.project("helpful").exports.data_set(license="cc-by-4.0")
    folder = downloaded(carol, run, tmp_path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"load_dataset": load_dataset}
    exec(describing.loading(Run.objects.get(pk=run["id"])), names)
    expected = out_values(world.cast.project, "pairs")
    rows = [row for split in names["pairs"].values() for row in split]
    assert len(expected) == 3
    assert sorted((row["chosen"], row["rejected"]) for row in rows) == sorted(
        (one["chosen"], one["rejected"]) for one in expected
    )
    assert "license: cc-by-4.0" in (folder / "README.md").read_text()
    done = carol.project("helpful").runs.get(run["id"])
    assert done["result"]["rows"] == sum(
        len(out_values(world.cast.project, kind))
        for kind in ("pairs", "rankings", "ratings", "demonstrations")
    )
    assert (done["done"], done["total"]) == (done["result"]["rows"], done["result"]["rows"])


def test_what_cannot_go_out_is_refused_at_once_or_by_its_run(carol: Client) -> None:
    helpful = carol.project("helpful")
    for part in (helpful.reward_models, helpful.policies):
        with pytest.raises(Conflict, match="Export it whole"):
            part.export(1, adapter=True)
        with pytest.raises(NotFound):
            part.export(99)
    assert not list(helpful.runs.all(kind="export_policy"))
    run = helpful.policies.export(1)  # its base is no folder and no model
    with pytest.raises(RunFailed, match="name a folder or a hub name"):
        helpful.runs.wait(run, progress_bar=False)
    with pytest.raises(NotFound):
        helpful.runs.output(run["id"], Path("nowhere.zip"))
