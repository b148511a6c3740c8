"""Checkpoints: policy, value network, both optimizers, beta and step. A stopped run goes on exactly where it was.

No generator's state is stored: random numbers are functions of seed and step (order.py).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from lm.optimizer import load_optimizer_tensors, optimizer_tensors
from rltrainer.ppo.config import PpoConfig
from rltrainer.ppo.learner import Learner
from runs.folder.checkpoint import load_checkpoint, save_checkpoint
from runs.folder.errors import BadInput

KEPT = "kept"
# Fields that change no result, and paths, which another machine may have others of: a run may go on with others.
FREE = ("checkpoint_seconds", "micro_batch_tokens", "policy", "reward_model")


@dataclass
class Place:
    """Where a run stands: ``step`` updates are made. ``kept`` is None until the KL's limit is passed; then the run
    is over, and its policy is the one that was kept after so many updates."""

    step: int
    beta: float
    kept: int | None = None


def save_state(folder: Path, learner: Learner, place: Place, prompts: str) -> None:
    """Replace the newest checkpoint. ``prompts`` is the digest of the prompts' file."""
    own, other = learner.policy_parameters, learner.value_parameters
    tensors: dict[str, Tensor] = {**own, **other, **optimizer_tensors(learner.policy_optimizer, own)}
    if learner.value_optimizer is not None:
        tensors |= optimizer_tensors(learner.value_optimizer, other)
    state = {"place": asdict(place), "config": _bound(learner.config), "prompts": prompts}
    save_checkpoint(folder, step=place.step, tensors=tensors, state=state)


def load_state(folder: Path, learner: Learner, prompts: str) -> Place | None:
    """Take over the newest checkpoint, or None. Raises BadInput where config or prompts are others by now."""
    found = load_checkpoint(folder)
    if found is None:
        return None
    if (found.state["config"], found.state["prompts"]) != (_bound(learner.config), prompts):
        raise BadInput(
            "the checkpoint is of another config or of other prompts. Remove checkpoint/ to start again"
        )
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


def _bound(config: PpoConfig) -> dict[str, Any]:
    return {name: value for name, value in asdict(config).items() if name not in FREE}


@torch.no_grad()
def _copy(parameters: Mapping[str, Parameter], tensors: Mapping[str, Tensor]) -> None:
    for name, value in parameters.items():
        value.copy_(tensors[name])
