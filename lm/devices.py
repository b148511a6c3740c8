"""Where a run computes, and in which precision."""

import torch

from runs.folder.errors import BadInput


def choose_device(name: str) -> torch.device:
    """``auto`` is CUDA where there is one, else the CPU. Raises BadInput for a device that is not there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise BadInput(f'device {name!r} is none: use "auto", "cpu" or "cuda"') from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise BadInput('device "cuda" is asked for, but this machine has none: use "auto" or "cpu"')
    return device


def autocast(device: torch.device) -> torch.autocast:
    """bfloat16 on CUDA for what is safe in it; float32 elsewhere."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda")
