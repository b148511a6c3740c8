"""The frame: a stop at any moment changes nothing, what is not finite is kept for a look, weights are kept by name."""

import json
import math
import re
import shutil
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import Parameter

from lm.optimizer import make_adamw, set_rates
from lm.origin import claim_checkpoint
from lm.training import Figures, Frame, Learning, NotFinite, Training
from runs.folder.checkpoint import load_checkpoint
from runs.folder.child import STOPPED, run_child
from runs.folder.errors import BadInput, RunError, Stopped
from runs.folder.folder import RunFolder
from runs.folder.metrics import read_metrics
from runs.folder.stopping import StopSignal
from tests.stopping import Looks, StopAt

STEPS = 6


class Chase(Training):
    """Two numbers follow others, in two optimizer steps a step; every third step closes an epoch."""

    steps = STEPS

    def __init__(self) -> None:
        self.numbers = {"numbers": Parameter(torch.zeros(2))}
        self.optimizer = make_adamw(self.numbers, weight_decay=0.0)
        self.epochs: list[float] = []
        self.broken_at: int | None = None
        self.overflows_at: int | None = None
        self.told_at_restoring = False

    @property
    def learning(self) -> Sequence[Learning]:
        return [Learning(self.numbers, self.optimizer)]

    def learn(self, step: int, frame: Frame) -> Figures:
        for _ in range(2):
            frame.between()
            self.optimizer.zero_grad()
            loss = (self.numbers["numbers"] - torch.tensor([step, -2.0 * step])).square().sum()
            torch.autograd.backward(loss)
            self.torn = True
            set_rates(self.optimizer, 0.1)
            self.optimizer.step()
        self.torn = False
        if step + 1 == self.overflows_at:
            self.numbers["numbers"].data[1] = -math.inf
        return {"loss": float(loss.detach())}

    def doing(self, step: int) -> str:
        return "following"

    def closes(self, step: int) -> bool:
        return step % 3 == 2

    def validate(self, frame: Frame) -> Figures:
        frame.between()
        if frame.step == self.broken_at:
            raise NotFinite(
                "the distance is nan", {"numbers": [1, 2]}, {"numbers": torch.full((2,), math.nan)}
            )
        self.epochs.append(float(self.numbers["numbers"].detach().sum()))
        frame.keep("best")
        return {"sum": self.epochs[-1]}

    def state(self) -> dict[str, Any]:
        return {"epochs": self.epochs}

    def restore(self, step: int, state: Mapping[str, Any]) -> None:
        if self.told_at_restoring:
            signal.raise_signal(signal.SIGTERM)
        self.epochs = list(state["epochs"])


def run(path: Path, stop: StopSignal | None = None, seconds: float = 0.0, checkpoints: int = 1) -> Frame:
    """A training in ``path``, from its checkpoint where there is one."""
    folder = RunFolder(path)
    folder.make()
    frame = Frame(
        folder,
        StopSignal() if stop is None else stop,
        Chase(),
        checkpoint_seconds=seconds,
        checkpoints=checkpoints,
    )
    frame.run()
    return frame


def left(path: Path) -> tuple[Any, ...]:
    """What a training leaves: its lines, and the step, state and numbers of both checkpoints."""
    folder = RunFolder(path)
    checkpoints = []
    for place in (folder.checkpoint, folder.checkpoint / "best"):
        checkpoint = load_checkpoint(place)
        assert checkpoint is not None
        numbers = {name: value.tolist() for name, value in checkpoint.tensors.items()}
        checkpoints.append((checkpoint.step, checkpoint.state, numbers))
    return read_metrics(folder.metrics_file)[0], checkpoints


@pytest.mark.parametrize("seconds", [0.0, 1e9], ids=["saved-always", "saved-at-the-end"])
def test_a_stop_at_any_look_changes_nothing(seconds: float, tmp_path: Path) -> None:
    counting = Looks()
    run(tmp_path / "whole", counting, seconds)
    # Before each step, before its two passes, and before the one of each epoch
    assert counting.count == STEPS * 3 + 2
    for looks in range(counting.count):
        path = tmp_path / str(looks)
        with pytest.raises(Stopped):
            run(path, StopAt(looks), seconds)
        run(path, None, seconds)
        assert left(path) == left(tmp_path / "whole"), looks


def test_a_stop_while_the_checkpoint_is_read_is_heard_at_once(tmp_path: Path) -> None:
    run(tmp_path)
    before = left(tmp_path)

    def goes_on(folder: RunFolder, stop: StopSignal) -> None:
        training = Chase()
        training.told_at_restoring = True
        Frame(folder, stop, training, checkpoint_seconds=0.0).run()
        (folder.path / "went_on").touch()

    assert run_child(tmp_path, goes_on) == STOPPED
    assert not (tmp_path / "went_on").exists()
    assert left(tmp_path) == before


def test_a_stop_between_two_changes_of_one_step_leaves_the_checkpoint_that_is_there(tmp_path: Path) -> None:
    with pytest.raises(Stopped, match="within an update"):
        run(tmp_path, StopAt(5))  # step 1: before it, before each of its passes; step 2 the same
    checkpoint = load_checkpoint(RunFolder(tmp_path).checkpoint)
    assert checkpoint is not None
    assert checkpoint.step == 1


@pytest.mark.parametrize("epoch", [3, 6])
def test_what_is_not_finite_ends_the_run_and_is_kept(epoch: int, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.make()
    training = Chase()
    training.broken_at = epoch
    with pytest.raises(RunError, match=f"step {epoch}: the distance is nan. Lower learning_rate"):
        Frame(folder, StopSignal(), training, checkpoint_seconds=0.0).run()
    kept = json.loads((folder.path / "bad_batch.json").read_text())
    assert kept == {"step": epoch, "reason": "the distance is nan", "numbers": [1, 2]}
    assert (folder.path / "bad_batch.safetensors").exists()
    assert read_metrics(folder.metrics_file)[0][-1]["step"] == epoch - 1


@pytest.mark.parametrize("step", [2, STEPS], ids=["within", "last"])
def test_weights_that_a_step_broke_are_neither_a_checkpoint_nor_an_end(step: int, tmp_path: Path) -> None:
    """The loss of a step is of the weights before it: nothing that is learnt after the last shows them."""
    folder = RunFolder(tmp_path)
    folder.make()
    training = Chase()
    training.overflows_at = step
    with pytest.raises(
        RunError, match=f"after step {step} the weights numbers are not finite. Lower learning"
    ):
        Frame(folder, StopSignal(), training, checkpoint_seconds=0.0).run()
    checkpoint = load_checkpoint(folder.checkpoint)
    assert checkpoint is not None
    assert checkpoint.step == step - 1


def test_weights_are_kept_by_name_and_taken_back(tmp_path: Path) -> None:
    frame = run(tmp_path)
    assert isinstance(frame.training, Chase)
    with torch.no_grad():
        frame.training.numbers["numbers"].zero_()
    assert frame.take_kept("best") == STEPS
    assert float(frame.training.numbers["numbers"].detach().sum()) == frame.training.epochs[-1]
    with pytest.raises(BadInput, match="other is gone"):
        frame.take_kept("other")


def test_of_the_checkpoints_as_many_stay_as_are_to(tmp_path: Path) -> None:
    def steps(path: Path) -> list[int]:
        return sorted(
            int(file.stem.removeprefix("step-")) for file in path.glob("checkpoint/step-*.safetensors")
        )

    for count, expected in ((1, []), (2, [5, 6]), (9, [1, 2, 3, 4, 5, 6])):
        run(tmp_path / str(count), checkpoints=count)
        assert steps(tmp_path / str(count)) == expected


def test_a_run_goes_on_from_an_older_checkpoint_to_the_same_end(tmp_path: Path) -> None:
    run(tmp_path, checkpoints=4)
    at_the_end = left(tmp_path)
    checkpoints = RunFolder(tmp_path).checkpoint
    shutil.copy(checkpoints / "step-00000004.safetensors", checkpoints / "newest.safetensors")
    frame = run(tmp_path, checkpoints=4)
    assert frame.step == STEPS
    assert left(tmp_path) == at_the_end


@dataclass(frozen=True)
class Config:
    rate: float = 0.1


def test_a_checkpoint_of_which_nothing_says_what_it_is_of_is_not_gone_on_from(tmp_path: Path) -> None:
    """As where what its inputs held was withdrawn: annotation.withdrawal.erasure."""
    folder = RunFolder(tmp_path)
    folder.make()
    claim: dict[str, Any] = {"inputs": {"lines.jsonl": "0a"}, "parents": {}, "free": ()}
    for kept in (True, True, False):
        if not kept:
            folder.origin_file.unlink()
        claim_checkpoint(folder, Config(), **claim)
        assert (load_checkpoint(folder.checkpoint) is not None) == (kept and folder.metrics_file.exists())
        if kept:
            run(tmp_path)
    with pytest.raises(BadInput, match=r"another run: lines\.jsonl differ\. Remove checkpoint/ and output/"):
        claim_checkpoint(folder, Config(), **{**claim, "inputs": {"lines.jsonl": "0b"}})


def test_the_log_has_a_line_a_step(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run(tmp_path)
    lines = [line for line in capfd.readouterr().err.splitlines() if line.startswith("step ")]
    assert [line.split(":")[0] for line in lines] == [f"step {n} of {STEPS}" for n in range(1, STEPS + 1)]
    assert all(re.search(r": \w+ -?\d", line) for line in lines)
