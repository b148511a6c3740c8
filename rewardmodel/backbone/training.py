"""What every training shares: the schedule of the learning rate, and AdamW's state as named tensors."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import Parameter

# One number a parameter and step; the rest of AdamW's state is as large as the parameter.
STATES = ("step", "exp_avg", "exp_avg_sq")


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
