"""AdamW over named parameters. Its schedule and state are rewardmodel.backbone.training's."""

from collections.abc import Mapping

import torch
from torch.nn import Parameter


def make_adamw(
    parameters: Mapping[str, Parameter], *, weight_decay: float, betas: tuple[float, float], eps: float
) -> torch.optim.AdamW:
    """AdamW that decays matrices only: biases and norms are few and have a scale of their own."""
    matrices = [value for value in parameters.values() if value.dim() > 1]
    others = [value for value in parameters.values() if value.dim() <= 1]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=0.0, betas=betas, eps=eps)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of every group."""
    for group in optimizer.param_groups:
        group["lr"] = rate
