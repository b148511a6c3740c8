"""Trainings killed, then told to leave, at steps by chance: they end in the bytes of one that was left alone."""

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
}


# A child may be at its end before its killer has the processor again: then it is tried anew.
TRIES = 5


@pytest.mark.parametrize("name", KINDS)
def test_it_goes_on_to_the_same_bytes(name: str, tmp_path: Path) -> None:
    kind, chance = KINDS[name], random.Random(name)
    whole = kind.make(tmp_path / "whole")
    kind.run(whole)
    tries = (kind.make(tmp_path / f"broken {number}") for number in range(TRIES))
    broken = next(
        (folder for folder in tries if is_broken_off(kind, folder, len(steps(whole)), chance)), None
    )
    assert broken is not None
    assert code_of(command_of(kind.module, kind.name, broken), broken.log_file) == DONE
    assert steps(broken) == steps(whole)
    assert digests(broken) == digests(whole)


def is_broken_off(kind: Kind, folder: RunFolder, most: int, chance: random.Random) -> bool:
    """Killed and then told to leave, each after some steps; False where it was done before."""
    command = command_of(kind.module, kind.name, folder)
    for number, code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, STOPPED)):
        until = len(steps(folder)) + chance.randint(2, most // 4)
        with started(command, folder.log_file) as child:
            wait_for_step(folder, until)
            os.kill(child.pid, number)
            returned = child.wait(60)
        if returned == DONE or len(steps(folder)) == most:
            return False
        assert returned == code
        assert len(steps(folder)) >= until
    return True


def steps(folder: RunFolder) -> list[int]:
    return [line["step"] for line in read_metrics(folder.metrics_file)[0]]


def digests(folder: RunFolder) -> dict[str, str]:
    """Of every file of weights, and of the report where there is one."""
    files = [*folder.output.rglob("*.safetensors"), *folder.output.rglob("report.json")]
    return {str(path.relative_to(folder.output)): file_digest(path) for path in files}


def wait_for_step(folder: RunFolder, step: int) -> None:
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline:
        if len(steps(folder)) >= step:
            return
        time.sleep(0.005)
    raise AssertionError("the child made too few steps")
