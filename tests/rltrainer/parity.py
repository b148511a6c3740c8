"""What each training gives on this many processes, each on its own GPU where DEVICE is cuda:

    python -m tests.rltrainer.parity FOLDER [DEVICE]      or the same under a launcher

Writes FOLDER/KIND.safetensors: the gradients of a first step in float32, and the weights after ten in float64.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from lm.devices import choose_device
from lm.lora import LoraSettings
from lm.ranks import Ranks, join_ranks
from lm.training import Figures, Frame, Training
from rewardmodel.bradley_terry.config import FitConfig
from rewardmodel.bradley_terry.fit import RewardFit
from rewardmodel.bradley_terry.start import prepare as prepare_fit
from rltrainer.policy.config import SftConfig
from rltrainer.policy.sft import SftTraining
from rltrainer.policy.sft_start import prepare as prepare_sft
from rltrainer.ppo.trainer import PolicyGradient
from runs.folder.child import DONE, leave
from runs.folder.config import parse_config
from runs.folder.folder import RunFolder
from runs.folder.stopping import StopSignal
from tests.rewardmodel.pure.factories import make_fit, make_lines
from tests.rltrainer.policy.factories import make_sft_folder
from tests.rltrainer.ppo.factories import count_cats, make_learner, make_policy, make_prompts, score_by

STEPS = 10
PRECISIONS = {"gradients": torch.float32, "weights": torch.float64}


class EndsEarly(Exception):
    """As many steps are made as are wanted."""


def main(path: Path, device: str = "cpu") -> None:
    """Every training in every precision, each in a folder of its own; several processes have a GPU each."""
    torch.set_num_threads(1)
    ranks = join_ranks()
    for kind, make in TRAININGS.items():
        tensors: dict[str, Tensor] = {}
        for what, precision in PRECISIONS.items():
            folder = RunFolder(path / kind / what / str(ranks.number))
            training = make(folder, ranks, precision, choose_device(device))
            steps = 1 if what == "gradients" else STEPS
            train(folder, training, ranks, steps)
            for parameters, _ in training.learning:
                for name, value in parameters.items():
                    tensor = value.grad if what == "gradients" else value.detach()
                    assert tensor is not None
                    tensors[f"{what}.{name}"] = tensor.cpu().clone()
        if ranks.main:
            path.mkdir(parents=True, exist_ok=True)
            save_file(tensors, path / f"{kind}.safetensors")
    ranks.wait()


def train(folder: RunFolder, training: Training, ranks: Ranks, steps: int) -> None:
    """So many steps in the frame; ``ranks`` share them."""
    learn = training.learn

    def learn_some(step: int, frame: Frame) -> Figures:
        if step == steps:
            raise EndsEarly
        return learn(step, frame)

    training.learn = learn_some  # type: ignore[method-assign]
    try:
        Frame(folder, StopSignal(), training, checkpoint_seconds=1e9, ranks=ranks).run()
    except EndsEarly:
        return
    assert training.steps == steps, f"{training.steps} steps are not {steps}"


def make_sft(folder: RunFolder, ranks: Ranks, precision: torch.dtype, device: torch.device) -> Training:
    """Demonstrations in batches that two processes cannot halve evenly."""
    make_sft_folder(folder.path, epochs=8, batch_tokens=200, micro_batch_tokens=64)
    start = prepare_sft(parse_config(SftConfig, folder.read_config()), folder, device)
    start.policy.model.to(precision)
    return SftTraining(start, ranks)


def make_reward_fit(
    folder: RunFolder, ranks: Ranks, precision: torch.dtype, device: torch.device
) -> Training:
    """Rankings with ties; two annotators a task."""
    make_fit(
        folder.path,
        make_lines(120, ties=True),
        epochs=4,
        ties="davidson",
        centering=0.01,
        batch_rankings=14,
        device=device.type,
    )
    start = prepare_fit(parse_config(FitConfig, folder.read_config()), folder)
    start.network.to(precision)
    return RewardFit(start, ranks)


def make_policy_gradient(
    algorithm: str, lora: LoraSettings | None = None
) -> Callable[[RunFolder, Ranks, torch.dtype, torch.device], Training]:
    """An odd number of prompts, so that one process has more of them than the other. Values are clipped where they are
    far off alone: a batch of clipped ones would have no gradient to compare."""

    def make(folder: RunFolder, ranks: Ranks, precision: torch.dtype, device: torch.device) -> Training:
        folder.make()
        policy = make_policy(lora=lora, layers=1)
        policy.model.to(device, precision)
        if policy.frozen is not None:
            policy.frozen.to(device, precision)
        fields: dict[str, Any] = (
            {} if algorithm == "reinforce" else {"kl_target": 1.0, "minibatches": 3, "value_clip": 1.0}
        )
        learner = make_learner(
            policy, algorithm=algorithm, lora=lora, steps=24, batch_prompts=5, micro_batch_tokens=40,
            entropy_coefficient=0.01, **fields,
        )  # fmt: skip
        return PolicyGradient(learner, score_by(count_cats), make_prompts(7), ranks)

    return make


TRAININGS = {
    "sft": make_sft,
    "fit": make_reward_fit,
    "ppo": make_policy_gradient("ppo"),
    "ppo-lora": make_policy_gradient("ppo", LoraSettings(rank=4)),
    "reinforce": make_policy_gradient("reinforce"),
}

if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
    leave(DONE)
