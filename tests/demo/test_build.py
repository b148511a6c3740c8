"""The build, with a policy far too small to write: what it leaves must be whole, described and usable."""

from pathlib import Path

import pytest
import torch

from demo import build
from demo.project import POLICY_FOLDER, SAMPLING, prompts
from rltrainer.policy.config import SamplingSettings
from rltrainer.policy.encoding import encode_prompts
from rltrainer.policy.generation import generate
from rltrainer.policy.loading import load_policy
from rltrainer.policy.prompts import Prompt
from runs.folder.errors import BadInput, RunError
from runs.folder.files import folder_digest
from runs.folder.progress import Reading
from tests.lm.cards import read_card

TINY = {"epochs": 1, "hidden": 16, "layers": 1, "heads": 2, "vocabulary": 300, "threads": 1, "device": "cpu"}
RECIPE = build.Recipe(
    demonstrations=60,
    held_out=10,
    sampled_prompts=3,
    training=TINY,
    sampling={"max_new_tokens": 8},
)


@pytest.mark.long
@pytest.mark.processes
def test_build_leaves_a_policy_with_its_card(tmp_path: Path) -> None:
    readings: list[Reading] = []
    figures = build.build(tmp_path / "one", tmp_path / "policy", RECIPE, readings.append)
    policy = load_policy(str(tmp_path / "policy"), lora=None, device=torch.device("cpu"))
    assert sum(value.numel() for value in policy.model.parameters()) == figures.parameters
    card = (tmp_path / "policy" / "README.md").read_text(encoding="utf-8")
    data = read_card(tmp_path / "policy").data
    assert (data.license, data.library_name, data.tags) == (
        "apache-2.0",
        "transformers",
        ["concord", "demo", "sft"],
    )
    assert figures.data_digest in card
    assert prompts(1)[0]["prompt"].splitlines()[1] in card
    assert len(figures.sets) == 3
    assert readings[-1].done == readings[-1].total


@pytest.mark.processes
def test_failing_training_says_why_and_leaves_the_policy_that_was_there(tmp_path: Path) -> None:
    output = tmp_path / "policy"
    output.mkdir()
    (output / "model.safetensors").write_bytes(b"kept")
    before = folder_digest(output)
    broken = build.Recipe(demonstrations=5, held_out=0, training=TINY | {"layers": 0})
    with pytest.raises(RunError, match="layers"):
        build.build(tmp_path / "work", output, broken, lambda reading: None)
    assert folder_digest(output) == before


def test_weights_too_large_to_keep_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.safetensors").write_bytes(bytes(9))
    monkeypatch.setattr(build, "MOST_BYTES", 9)
    build.refuse_large(tmp_path)
    monkeypatch.setattr(build, "MOST_BYTES", 8)
    with pytest.raises(BadInput, match="9 bytes"):
        build.refuse_large(tmp_path)


def test_the_kept_policy_is_whole_and_small_and_never_cut_off() -> None:
    """meta.json's digests are checked at loading; a notice that does not end in 64 tokens would be a fault."""
    policy = load_policy(str(POLICY_FOLDER), lora=None, device=torch.device("cpu"), reference=False)
    assert sum(path.stat().st_size for path in POLICY_FOLDER.glob("*.safetensors")) <= 8_000_000
    questions = [Prompt("", "text", [{"role": "user", "content": line["prompt"]}]) for line in prompts(8)]
    ids = encode_prompts(policy.tokenizer, questions, 512).ids
    settings = SamplingSettings(**SAMPLING, samples=4)
    answers = generate(policy.model, policy.tokenizer, ids, settings, torch.Generator().manual_seed(1))
    assert bool(answers.finished.all())
