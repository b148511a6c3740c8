"""AdamW over named parameters, its schedule, and its state as named tensors for a checkpoint."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import Parameter

STATES = ("step", "exp_avg", "exp_avg_sq")
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


def schedule(step: int, steps: int, *, warmup: float, floor: float) -> float:
    """The factor of the learning rate at ``step`` of ``steps``: up over ``warmup``, then down to ``floor``.

    Linear warm-up over a share of the steps, then half a cosine (Loshchilov and Hutter 1608.03983).
    """
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    done = (step - rising) / max(1, steps - rising)
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done))


def set_rates(optimizer: torch.optim.Optimizer, *, rate: float, tie_rate: float) -> None:
    """Set the learning rate of every group."""
    for group in optimizer.param_groups:
        group["lr"] = tie_rate if group["tie"] else rate


def optimizer_tensors(
    optimizer: torch.optim.Optimizer, parameters: Mapping[str, Parameter]
) -> dict[str, Tensor]:
    """The optimizer's state as ``name.exp_avg`` and so on; none of a parameter that never had a gradient."""
    return {
        f"{name}.{state}": optimizer.state[value][state]
        for name, value in parameters.items()
        if value in optimizer.state
        for state in STATES
    }


def load_optimizer_tensors(
    optimizer: torch.optim.Optimizer, parameters: Mapping[str, Parameter], tensors: Mapping[str, Tensor]
) -> None:
    """Undo ``optimizer_tensors``: the next step is the one that would have followed."""
    for name, value in parameters.items():
        if f"{name}.step" in tensors:
            # AdamW keeps its step count on the CPU
            optimizer.state[value] = {
                state: tensors[f"{name}.{state}"].to("cpu" if state == "step" else value.device, copy=True)
                for state in STATES
            }
