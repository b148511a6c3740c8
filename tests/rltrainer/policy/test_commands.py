"""The three commands as processes: what a worker starts."""

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

from rltrainer.policy import sft
from runs.folder.folder import RunFolder
from runs.folder.stopping import StopSignal
from tests.children import code_of, started
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
        each["text"]
        for line in (sampling.output / "samples.jsonl").read_text().splitlines()
        for each in json.loads(line)["completions"]
    ]
    assert len(texts) == 8
    assert sum(text.strip().startswith("The ") for text in texts) >= 6
    evaluation = RunFolder(tmp_path / "evaluate")
    evaluation.make()
    copy_prompts(training, evaluation)
    evaluation.write_config({"policies": [str(training.output)] * 2, **common})
    assert run("evaluate", evaluation) == 0
    report = json.loads((evaluation.output / "report.json").read_text())
    assert report["policies"][1]["kl"]["mean"] == 0


@pytest.mark.long
def test_killed_and_terminated_children_go_on_to_the_same_weights(tmp_path: Path) -> None:
    whole, broken = (
        make_sft_folder(tmp_path / name, epochs=15, checkpoint_seconds=0.0) for name in ("whole", "broken")
    )
    sft.main(whole, StopSignal())
    for number, code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 3)):
        lines = broken.metrics_file.read_text().count("\n") if broken.metrics_file.exists() else 0
        with started(command("sft", broken)) as child:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                if broken.metrics_file.exists() and broken.metrics_file.read_text().count("\n") > lines + 5:
                    break
                time.sleep(0.01)
            os.kill(child.pid, number)
            assert child.wait(timeout=30) == code
    assert run("sft", broken) == 0
    expected, found = (load_file(folder.output / "model.safetensors") for folder in (whole, broken))
    assert all((found[name] == expected[name]).all() for name in expected)
    steps = [
        [json.loads(line)["step"] for line in folder.metrics_file.read_text().splitlines()]
        for folder in (whole, broken)
    ]
    assert steps[0] == steps[1]


def test_a_failure_leaves_its_reason(tmp_path: Path) -> None:
    folder = make_sft_folder(tmp_path, base=str(tmp_path / "nowhere"))
    assert run("sft", folder) == 1
    reason = json.loads(folder.failure_file.read_text())["reason"]
    assert "cannot be loaded" in reason
