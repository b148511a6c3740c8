"""Trainings killed or told to leave at a moment by chance: they end in the bytes of one that was left alone.

Each algorithm is met twice, with LoRA and without: one of the two is killed, the other told to leave. Which, and when,
is a function of --randomly-seed, so that it differs from run to run; what fails names it.
"""

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rltrainer.policy import sft
from rltrainer.ppo import train
from runs.folder.checkpoint import NAME as NEWEST
from runs.folder.checkpoint import load_checkpoint
from runs.folder.child import DONE, STOPPED
from runs.folder.files import file_digest
from runs.folder.folder import RunFolder
from runs.folder.metrics import read_metrics
from runs.folder.processes import command_of
from runs.folder.stopping import StopSignal
from tests.children import code_of, started
from tests.rewardmodel.pure.factories import fit, make_fit
from tests.rewardmodel.pure.factories import make_policy as make_trunk
from tests.rltrainer.policy.factories import make_folder, make_sft_folder
from tests.rltrainer.ppo.factories import make_run

pytestmark = [pytest.mark.processes, pytest.mark.long]

LORA = {"rank": 4, "alpha": 8}
# Now and then, so that a kill also loses steps whose lines are written.
OFTEN: dict[str, Any] = {"checkpoint_seconds": 0.05}


class Kind(NamedTuple):
    """A training by its command: how its folder is made, and how it runs in this process."""

    module: str
    name: str
    make: Callable[[Path], RunFolder]
    run: Callable[[RunFolder], Any]


def fitting(**config: Any) -> Kind:
    def make(path: Path) -> RunFolder:
        base = {"base": str(make_trunk(path / "policy"))} if "lora" in config else {}
        return make_fit(path, epochs=16, **base, **config, **OFTEN)

    return Kind("rewardmodel.bradley_terry", "fit", make, fit)


def demonstrating(**config: Any) -> Kind:
    def make(path: Path) -> RunFolder:
        base = {"base": str(make_folder(path / "policy"))} if "lora" in config else {}
        return make_sft_folder(path, epochs=14, **base, **config, **OFTEN)

    return Kind("rltrainer.policy", "sft", make, lambda folder: sft.main(folder, StopSignal()))


def improving(**config: Any) -> Kind:
    return Kind(
        "rltrainer.ppo",
        "train",
        lambda path: make_run(path, steps=18, **config, **OFTEN),
        lambda folder: train.main(folder, StopSignal()),
    )


KINDS = {
    "fit": fitting(),
    "fit with LoRA": fitting(lora=LORA),
    "SFT": demonstrating(),
    "SFT with LoRA": demonstrating(lora=LORA),
    "PPO": improving(kl_target=1.0),
    "PPO with LoRA": improving(kl_target=1.0, lora=LORA),
    "REINFORCE": improving(algorithm="reinforce"),
    "REINFORCE with LoRA": improving(algorithm="reinforce", lora=LORA),
}
WITH_LORA = " with LoRA"
CODES = {signal.SIGKILL: -signal.SIGKILL, signal.SIGTERM: STOPPED}
# Up to so many seconds after a step: within the next one, its checkpoint, or between the two.
PAUSE = 0.02

# A child may be at its end before its killer has the processor again: then it is tried anew.
TRIES = 5


class Break(NamedTuple):
    """How a training is broken off: by ``number``, ``pause`` seconds after it has made ``step`` steps."""

    number: signal.Signals
    step: int
    pause: float


@pytest.mark.parametrize("name", KINDS)
def test_it_goes_on_to_the_same_bytes(name: str, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    kind, seed = KINDS[name], int(pytestconfig.getoption("randomly_seed", 0))
    whole = kind.make(tmp_path / "whole")
    kind.run(whole)
    chance, number = random.Random(f"{seed} {name}"), signal_for(name, seed)
    for attempt in range(TRIES):
        broken = kind.make(tmp_path / f"broken {attempt}")
        moment = Break(number, chance.randint(1, len(steps(whole)) // 2), chance.uniform(0, PAUSE))
        if is_broken_off(kind, broken, moment, len(steps(whole))):
            break
    else:
        pytest.fail(f"--randomly-seed={seed}: it was never broken off before its end")
    what = f"--randomly-seed={seed}: {moment}, {len(steps(broken))} steps of {len(steps(whole))} made"
    assert code_of(command_of(kind.module, kind.name, broken), broken.log_file) == DONE, what
    assert steps(broken) == steps(whole), what
    assert digests(broken) == digests(whole), what
    assert newest(broken) == newest(whole), what
    assert read_metrics(broken.watched_file) == read_metrics(whole.watched_file), what
    assert whole.watched_file.exists() == (kind.module == "rltrainer.ppo")


def test_of_each_algorithm_one_training_is_killed_and_one_told_to_leave() -> None:
    drawn = [{name: signal_for(name, seed) for name in KINDS} for seed in range(20)]
    algorithms = {name for name in KINDS if not name.endswith(WITH_LORA)}
    assert all({of[name], of[name + WITH_LORA]} == set(CODES) for of in drawn for name in algorithms)
    assert all(len({of[name] for of in drawn}) == 2 for name in KINDS)


def signal_for(name: str, seed: int) -> signal.Signals:
    """What breaks off the training ``name``: another than the same algorithm's other training."""
    of_algorithm = list(CODES)
    random.Random(f"{seed} {name.removesuffix(WITH_LORA)}").shuffle(of_algorithm)
    return of_algorithm[name.endswith(WITH_LORA)]


def is_broken_off(kind: Kind, folder: RunFolder, moment: Break, most: int) -> bool:
    """Broken off at ``moment``; False where it was done before, with ``most`` steps."""
    with started(command_of(kind.module, kind.name, folder), folder.log_file) as child:
        wait_for_step(folder, moment.step)
        time.sleep(moment.pause)
        os.kill(child.pid, moment.number)
        returned = child.wait(60)
    if returned == DONE or len(steps(folder)) == most:
        return False
    assert returned == CODES[moment.number], moment
    assert len(steps(folder)) >= moment.step
    return True


def steps(folder: RunFolder) -> list[int]:
    return [line["step"] for line in read_metrics(folder.metrics_file)[0]]


def digests(folder: RunFolder) -> dict[str, str]:
    """Of every file of weights, and of the report where there is one."""
    files = [*folder.output.rglob("*.safetensors"), *folder.output.rglob("report.json")]
    return {str(path.relative_to(folder.output)): file_digest(path) for path in files}


def newest(folder: RunFolder) -> tuple[int, dict[str, Any], dict[str, bytes]]:
    """The step, state and tensors of the newest checkpoint. At the end these are all weights and optimizers after the
    last step, where the output may have the weights of an epoch before the break."""
    checkpoint = load_checkpoint(folder.checkpoint)
    assert checkpoint is not None
    tensors = {name: value.numpy().tobytes() for name, value in checkpoint.tensors.items()}
    return checkpoint.step, checkpoint.state, tensors


def wait_for_step(folder: RunFolder, step: int) -> None:
    """Until ``step`` steps are made, and a checkpoint of some of them is there to go on from."""
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline:
        if len(steps(folder)) >= step and (folder.checkpoint / NEWEST).exists():
            return
        time.sleep(0.005)
    raise AssertionError("the child made too few steps")
