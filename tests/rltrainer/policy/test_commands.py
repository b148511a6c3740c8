"""The three commands as processes: what a worker starts."""

import json
import sys
from pathlib import Path

import pytest

from rltrainer.policy import sft
from runs.folder.files import read_json
from runs.folder.folder import RunFolder
from runs.folder.stopping import StopSignal
from tests.children import code_of
from tests.rltrainer.policy.factories import make_sft_folder

pytestmark = pytest.mark.processes


def command(name: str, folder: RunFolder) -> list[str]:
    return [sys.executable, "-m", "rltrainer.policy", name, str(folder.path)]


def run(name: str, folder: RunFolder) -> int:
    return code_of(command(name, folder))


def copy_prompts(training: RunFolder, folder: RunFolder) -> None:
    """The prompts of the first four demonstrations."""
    lines = (training.inputs / "demonstrations.jsonl").read_text().splitlines()[:4]
    (folder.inputs / "prompts.jsonl").write_text("\n".join(lines))


@pytest.mark.long
def test_a_trained_policy_is_sampled_and_evaluated(tmp_path: Path) -> None:
    training = make_sft_folder(tmp_path / "sft", epochs=25, learning_rate=0.02)
    sft.main(training, StopSignal())
    sampling = RunFolder(tmp_path / "sample")
    sampling.make()
    copy_prompts(training, sampling)
    common = {"threads": 1, "device": "cpu", "max_new_tokens": 32}
    sampling.write_config({"base": str(training.output), "completions": 2, **common})
    assert run("sample", sampling) == 0
    texts = [
        completion["text"]
        for line in (sampling.output / "samples.jsonl").read_text().splitlines()
        for completion in json.loads(line)["completions"]
    ]
    assert len(texts) == 8
    assert sum(text.strip().startswith("The ") for text in texts) >= 6
    evaluation = RunFolder(tmp_path / "evaluate")
    evaluation.make()
    copy_prompts(training, evaluation)
    evaluation.write_config({"policies": [str(training.output)] * 2, **common})
    assert run("evaluate", evaluation) == 0
    report = json.loads((evaluation.output / "report.json").read_text())
    assert report["policies"][1]["kl"]["value"] == 0
    for folder in (sampling, evaluation):
        assert read_json(folder.device_file)["device"] == "cpu"


def test_a_failure_leaves_its_reason(tmp_path: Path) -> None:
    folder = make_sft_folder(tmp_path, base=str(tmp_path / "nowhere"))
    assert run("sft", folder) == 1
    reason = json.loads(folder.failure_file.read_text())["reason"]
    assert "cannot be loaded" in reason
