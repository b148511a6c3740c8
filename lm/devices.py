"""Where a run computes, and in which precision."""

import os

import torch

from runs.folder.errors import BadInput

CPU = torch.device("cpu")


def choose_device(name: str) -> torch.device:
    """``auto`` is CUDA where there is one, else the CPU. Raises BadInput for a device that is not there."""
    if name == "auto":
        return torch.device(_nearest_gpu() if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise BadInput(f'device {name!r} is none: use "auto", "cpu" or "cuda"') from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise BadInput('device "cuda" is asked for, but this machine has none: use "auto" or "cpu"')
    return device


def _nearest_gpu() -> str:
    """Each process of a training (lm.ranks) has a GPU of its own; its launcher numbers them."""
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"


def precise(dtype: torch.dtype) -> torch.dtype:
    """What logits, losses and values are computed in: float32 at least."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def autocast(device: torch.device) -> torch.autocast:
    """bfloat16 on CUDA for what is safe in it; float32 elsewhere."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda")
