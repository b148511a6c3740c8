"""Trainings on two processes: the same as on one, and all of them end together."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from runs.folder.checkpoint import load_checkpoint
from runs.folder.child import DONE, LOST, STOPPED
from runs.folder.files import read_json
from runs.folder.folder import RunFolder
from runs.folder.metrics import read_metrics
from runs.folder.processes import command_of
from runs.folder.starting import Process
from tests.children import code_of, ranks_of, started
from tests.rewardmodel.pure.factories import make_fit, make_lines
from tests.rltrainer.parity import TRAININGS
from tests.rltrainer.policy.factories import make_sft_folder
from tests.rltrainer.ppo.factories import make_run
from tests.runs.conftest import wait_for

pytestmark = pytest.mark.processes

ACCELERATE = [
    sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1",
    "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0", "--module",
]  # fmt: skip


def distance(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    """Of all tensors end to end, relative to the first's norm."""
    assert one.keys() == other.keys()
    first, second = (torch.cat([values[name].double().flatten() for name in one]) for values in (one, other))
    return float((first - second).norm() / first.norm())


def test_two_processes_train_as_one_does(tmp_path: Path) -> None:
    """Under accelerate's launcher: the gradients of a first step, and the weights after ten in float64."""
    assert code_of([sys.executable, "-m", "tests.rltrainer.parity", str(tmp_path / "alone")]) == DONE
    subprocess.run(
        [*ACCELERATE, "tests.rltrainer.parity", str(tmp_path / "together")],
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


class Command(NamedTuple):
    """A training as a user starts it: how its folder is made, and what runs it."""

    make: Callable[..., RunFolder]
    module: str
    subcommand: str


COMMANDS = {
    "fit": Command(partial(make_fit, lines=make_lines(40), epochs=1), "rewardmodel.bradley_terry", "fit"),
    "PPO": Command(partial(make_run, steps=2), "rltrainer.ppo", "train"),
    "REINFORCE": Command(partial(make_run, steps=2, algorithm="reinforce"), "rltrainer.ppo", "train"),
}


@pytest.mark.long
def test_commands_on_two_processes_make_what_they_make_on_one(tmp_path: Path) -> None:
    """A few steps in float32, from the config to the output; loading torch is what takes the time, so it is done once.
    SFT is below."""
    folders: dict[int, dict[str, RunFolder]] = {1: {}, 2: {}}
    for count, by_name in folders.items():
        words: list[str] = []
        for name, (make, module, subcommand) in COMMANDS.items():
            folder = by_name[name] = make(tmp_path / f"{name} {count}", processes=count)
            several = ["runs.folder.processes", str(count)] if count > 1 else []
            command = command_of(module, subcommand, folder)
            words += command[2 + len(several) :]
            assert command[2:] == [*several, module, subcommand, str(folder.path)]
        log = tmp_path / f"log {count}"
        code = code_of([sys.executable, "-m", *several, "tests.rltrainer.mains", *words], log)
        assert code == DONE, log.read_text()
    for name in COMMANDS:
        alone, together = folders[1][name], folders[2][name]
        assert read_json(together.device_file)["processes"] == 2, name
        weights = [weights_of(folder) for folder in (alone, together)]
        assert distance(*weights) < 1e-5, name


def weights_of(folder: RunFolder) -> dict[str, Tensor]:
    """Those of the output, and all that learnt, with its optimizers, after the last step."""
    checkpoint = load_checkpoint(folder.checkpoint)
    assert checkpoint is not None
    weights = dict(checkpoint.tensors)
    for path in folder.output.rglob("*.safetensors"):
        weights |= {f"{path.name} {name}": value for name, value in load_file(path).items()}
    return weights


def part(tensors: dict[str, Tensor], what: str) -> dict[str, Tensor]:
    return {name: value for name, value in tensors.items() if name.startswith(what)}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """SFT on two processes, long enough to be met in the middle."""
    return make_sft_folder(tmp_path / "run", processes=2, epochs=60, checkpoint_seconds=0.2)


@contextlib.contextmanager
def training(folder: RunFolder) -> Iterator[Process]:
    """As a worker starts it, once its first checkpoint is there."""
    with started(command_of("rltrainer.policy", "sft", folder), folder.log_file) as process:
        wait_for(lambda: (folder.checkpoint / "newest.safetensors").exists(), seconds=60)
        yield process


def test_a_stop_reaches_all_and_one_process_goes_on_to_the_end(folder: RunFolder) -> None:
    with training(folder) as process:
        ranks = ranks_of(process)
        os.killpg(process.pid, signal.SIGTERM)
        assert process.wait(10) == STOPPED
        assert read_json(folder.device_file)["processes"] == 2
        assert not any(rank.is_running() for rank in ranks.values())
    checkpoint = load_checkpoint(folder.checkpoint)
    assert checkpoint is not None
    lines = len(read_metrics(folder.metrics_file)[0])
    assert checkpoint.step - lines in (0, 1)  # the line of a step waits for its epoch to be closed
    folder.write_config({**folder.read_config(), "processes": 1})
    assert code_of(command_of("rltrainer.policy", "sft", folder)) == DONE
    report = json.loads((folder.output / "report.json").read_text())
    assert checkpoint.step < report["steps"] == read_metrics(folder.metrics_file)[0][-1]["step"]


def test_where_one_is_killed_the_others_end_and_the_run_can_be_tried_again(folder: RunFolder) -> None:
    with training(folder) as process:
        ranks = ranks_of(process)
        ranks["1"].kill()
        assert process.wait(30) == LOST
        assert not any(rank.is_running() for rank in ranks.values())
    assert not folder.failure_file.exists()
