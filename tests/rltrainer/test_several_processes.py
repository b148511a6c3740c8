"""Trainings on two processes: the same as on one, and all of them end together."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from runs.folder.checkpoint import load_checkpoint
from runs.folder.child import DONE, FAILED, LOST, STOPPED
from runs.folder.folder import RunFolder
from runs.folder.metrics import read_metrics
from runs.folder.processes import command_of
from tests.rltrainer.parity import TRAININGS
from tests.rltrainer.policy.factories import make_sft_folder
from tests.runs.conftest import wait_for

pytestmark = pytest.mark.processes

ACCELERATE = [
    sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1",
    "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0", "--module",
]  # fmt: skip
ALONE = [sys.executable, "-m"]


def distance(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    """Of all tensors end to end, relative to the first's norm."""
    assert one.keys() == other.keys()
    first, second = (torch.cat([values[name].double().flatten() for name in one]) for values in (one, other))
    return float((first - second).norm() / first.norm())


def test_two_processes_train_as_one_does(tmp_path: Path) -> None:
    """Under accelerate's launcher: the gradients of a first step, and the weights after twenty in float64."""
    for name, launcher in (("alone", ALONE), ("together", ACCELERATE)):
        subprocess.run(
            [*launcher, "tests.rltrainer.parity", str(tmp_path / name)],
            check=True,
            timeout=300,
            env={**os.environ, "GLOO_SOCKET_IFNAME": "lo", "OMP_WAIT_POLICY": "passive"},
        )
    for kind in TRAININGS:
        alone, together = (
            load_file(tmp_path / name / f"{kind}.safetensors") for name in ("alone", "together")
        )
        assert distance(part(alone, "gradients"), part(together, "gradients")) < 1e-5, kind
        weights = part(together, "weights")
        assert max(float((alone[name] - value).abs().max()) for name, value in weights.items()) < 1e-6, kind
        # What one of the two left out would show
        assert all(float(value.norm()) > 0 for value in part(alone, "gradients").values()), kind


def part(tensors: dict[str, Tensor], what: str) -> dict[str, Tensor]:
    return {name: value for name, value in tensors.items() if name.startswith(what)}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """SFT on two processes, long enough to be met in the middle."""
    return make_sft_folder(tmp_path / "run", processes=2, epochs=400, checkpoint_seconds=0.2)


@contextlib.contextmanager
def started(folder: RunFolder) -> Iterator["subprocess.Popen[bytes]"]:
    """As a worker starts it, once its first checkpoint is there."""
    with folder.log_file.open("wb") as log:
        process = subprocess.Popen(
            command_of("rltrainer.policy", "sft", folder), stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_for(lambda: (folder.checkpoint / "newest.safetensors").exists(), seconds=60)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def ranks_of(process: "subprocess.Popen[bytes]") -> dict[str, psutil.Process]:
    return {child.environ()["RANK"]: child for child in psutil.Process(process.pid).children()}


def test_a_stop_reaches_all_and_one_process_goes_on(folder: RunFolder) -> None:
    with started(folder) as process:
        ranks = ranks_of(process)
        os.killpg(process.pid, signal.SIGTERM)
        assert process.wait(10) == STOPPED
        assert not any(rank.is_running() for rank in ranks.values())
    step = load_checkpoint(folder.checkpoint).step  # type: ignore[union-attr]
    assert 0 < step < 400
    folder.write_config({**folder.read_config(), "processes": 1, "epochs": 400})
    with started(folder) as process:
        wait_for(lambda: load_checkpoint(folder.checkpoint).step > step, seconds=60)  # type: ignore[union-attr]


def test_where_one_is_killed_the_others_end_and_the_run_can_be_tried_again(folder: RunFolder) -> None:
    with started(folder) as process:
        ranks = ranks_of(process)
        ranks["1"].kill()
        assert process.wait(30) == LOST
        assert not any(rank.is_running() for rank in ranks.values())
    assert not folder.failure_file.exists()


def test_where_the_first_is_killed_the_others_end_too(folder: RunFolder) -> None:
    with started(folder) as process:
        ranks = ranks_of(process)
        ranks["0"].kill()
        assert process.wait(30) == LOST
        assert not any(rank.is_running() for rank in ranks.values())


def test_what_they_cannot_use_is_said_once(folder: RunFolder) -> None:
    (folder.inputs / "demonstrations.jsonl").write_text("{}\n")
    command = command_of("rltrainer.policy", "sft", folder)
    assert subprocess.run(command, check=False, capture_output=True).returncode == FAILED
    assert "line 1" in json.loads(folder.failure_file.read_text())["reason"]


def test_a_finished_training_is_whole(tmp_path: Path) -> None:
    two, one = (make_sft_folder(tmp_path / str(count), processes=count, epochs=2) for count in (2, 1))
    for folder in (two, one):
        assert subprocess.run(command_of("rltrainer.policy", "sft", folder), check=False).returncode == DONE
    lines = [read_metrics(folder.metrics_file)[0] for folder in (two, one)]
    assert [line["step"] for line in lines[0]] == [line["step"] for line in lines[1]]
    for ours, theirs in zip(*lines, strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-3)
    assert json.loads((two.output / "report.json").read_text())["perplexity"] == pytest.approx(
        json.loads((one.output / "report.json").read_text())["perplexity"], rel=1e-3
    )
