"""Checkpoints: policy, value network, both optimizers, beta and step. A stopped run goes on exactly where it was.

No generator's state is stored: random numbers are functions of seed and step (order.py).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import Parameter

from lm.optimizer import load_optimizer_tensors, optimizer_tensors
from rltrainer.ppo.learner import Learner
from runs.folder.checkpoint import load_checkpoint, save_checkpoint
from runs.folder.errors import BadInput

KEPT = "kept"


@dataclass
class Place:
    """Where a run stands: ``step`` updates are made. ``kept`` is None until the KL's limit is passed; then the run
    is over, and its policy is the one that was kept after so many updates."""

    step: int
    beta: float
    kept: int | None = None


def save_state(folder: Path, learner: Learner, place: Place) -> None:
    """Replace the newest checkpoint."""
    own, other = learner.policy_parameters, learner.value_parameters
    tensors: dict[str, Tensor] = {**own, **other, **optimizer_tensors(learner.policy_optimizer, own)}
    if learner.value_optimizer is not None:
        tensors |= optimizer_tensors(learner.value_optimizer, other)
    save_checkpoint(folder, step=place.step, tensors=tensors, state={"place": asdict(place)})


def load_state(folder: Path, learner: Learner) -> Place | None:
    """Take over the newest checkpoint, or None."""
    found = load_checkpoint(folder)
    if found is None:
        return None
    own, other = learner.policy_parameters, learner.value_parameters
    _copy({**own, **other}, found.tensors)
    load_optimizer_tensors(learner.policy_optimizer, own, found.tensors)
    if learner.value_optimizer is not None:
        load_optimizer_tensors(learner.value_optimizer, other, found.tensors)
    return Place(**found.state["place"])


def keep_policy(folder: Path, learner: Learner, step: int) -> None:
    """Keep the policy's weights of ``step`` as those to go back to."""
    save_checkpoint(folder / KEPT, step=step, tensors=learner.policy_parameters, state={})


def take_kept(folder: Path, learner: Learner) -> int:
    """Go back to the kept policy; its step. One is always kept: that of step 0 is the reference itself."""
    found = load_checkpoint(folder / KEPT)
    if found is None:
        raise BadInput(f"{folder / KEPT} is gone: remove checkpoint/ to start again")
    _copy(learner.policy_parameters, found.tensors)
    return found.step


@torch.no_grad()
def _copy(parameters: Mapping[str, Parameter], tensors: Mapping[str, Tensor]) -> None:
    for name, value in parameters.items():
        value.copy_(tensors[name])
