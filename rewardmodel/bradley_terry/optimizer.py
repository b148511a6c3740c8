"""AdamW over named parameters, and its rates. Its schedule and state are rewardmodel.backbone.training's."""

from collections.abc import Mapping

import torch
from torch.nn import Parameter

# The tie parameter is one number with a scale of its own: it has its own rate and never decays.
TIE = "tie"


def make_adamw(parameters: Mapping[str, Parameter], *, weight_decay: float) -> torch.optim.AdamW:
    """AdamW with eps 1e-5 (R8) over matrices, which decay, over the rest, and over the tie parameter."""
    trained = {name: value for name, value in parameters.items() if name != TIE}
    matrices = [value for value in trained.values() if value.dim() > 1]
    others = [value for value in trained.values() if value.dim() <= 1]
    groups = [
        {"params": matrices, "weight_decay": weight_decay, "tie": False},
        {"params": others, "weight_decay": 0.0, "tie": False},
        {"params": [parameters[TIE]] if TIE in parameters else [], "weight_decay": 0.0, "tie": True},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=0.0, eps=1e-5)


def set_rates(optimizer: torch.optim.Optimizer, *, rate: float, tie_rate: float) -> None:
    """Set the learning rate of every group."""
    for group in optimizer.param_groups:
        group["lr"] = tie_rate if group["tie"] else rate
