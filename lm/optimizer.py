"""AdamW over named parameters: groups, rates, the schedule, and its state as named tensors."""

import math
from collections.abc import Collection, Mapping

import torch
from torch import Tensor
from torch.nn import Parameter

# One number a parameter and step; the rest of AdamW's state is as large as the parameter.
STATES = ("step", "exp_avg", "exp_avg_sq")


def make_adamw(
    parameters: Mapping[str, Parameter],
    *,
    weight_decay: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-5,
    apart: Collection[str] = (),
) -> torch.optim.AdamW:
    """AdamW that decays matrices only: biases and norms are few and have a scale of their own.

    The parameters named ``apart`` never decay, and have their own rate (``set_rates``).
    """
    shared = [value for name, value in parameters.items() if name not in apart]
    matrices = [value for value in shared if value.dim() > 1]
    vectors = [value for value in shared if value.dim() <= 1]
    rest = [value for name, value in parameters.items() if name in apart]
    groups = [
        {"params": matrices, "weight_decay": weight_decay, "apart": False},
        {"params": vectors, "weight_decay": 0.0, "apart": False},
        {"params": rest, "weight_decay": 0.0, "apart": True},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=0.0, betas=betas, eps=eps)


def set_rates(optimizer: torch.optim.Optimizer, rate: float, *, apart: float = 0.0) -> None:
    """Set the learning rate of every group, and that of the parameters that stand ``apart``."""
    for group in optimizer.param_groups:
        group["lr"] = apart if group["apart"] else rate


def cosine(step: int, steps: int, *, warmup: float, floor: float) -> float:
    """The factor of the learning rate at ``step`` of ``steps``: up over ``warmup``, then down to ``floor``.

    Linear warm-up over a share of the steps, then half a cosine (Loshchilov and Hutter 1608.03983).
    """
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    done = (step - rising) / max(1, steps - rising)
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done))


def optimizer_tensors(
    optimizer: torch.optim.Optimizer, parameters: Mapping[str, Parameter]
) -> dict[str, Tensor]:
    """The optimizer's state as ``name.exp_avg`` and so on; parameters that never had a gradient have none."""
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
            states = {state: tensors[f"{name}.{state}"] for state in STATES}
            # AdamW keeps its step count on the CPU
            optimizer.state[value] = {
                state: tensor.clone() if state == "step" else tensor.to(value.device, copy=True)
                for state, tensor in states.items()
            }
