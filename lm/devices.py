"""Where a run computes, and in which precision."""

import os

import torch

from runs.folder.errors import BadInput
from runs.folder.files import write_json
from runs.folder.folder import RunFolder

CPU = torch.device("cpu")


def choose_device(name: str) -> torch.device:
    """``auto`` is CUDA where there is one, else the CPU. Of several processes (lm.ranks) each has a GPU of its own.

    Raises BadInput for a device that is not there.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise BadInput(f'device {name!r} is none: use "auto", "cpu" or "cuda"') from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise BadInput('device "cuda" is asked for, but this machine has none: use "auto" or "cpu"')
    return torch.device(_own_gpu()) if name == "cuda" else device


def device_of_run(folder: RunFolder, name: str) -> torch.device:
    """``choose_device``, told in device.json for the run's page: its name, the number of processes, torch's version.

    Of several processes (lm.ranks) main alone writes it; each has a GPU of its own, of the same make as main's.
    """
    device = choose_device(name)
    if os.environ.get("RANK", "0") == "0":
        device_name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
        processes = int(os.environ.get("WORLD_SIZE", "1"))
        write_json(
            folder.device_file, {"device": device_name, "processes": processes, "torch": torch.__version__}
        )
    return device


def _own_gpu() -> str:
    """The launcher numbers the processes of this machine."""
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"


def precise(dtype: torch.dtype) -> torch.dtype:
    """What logits, losses and values are computed in: float32 at least."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def autocast(device: torch.device) -> torch.autocast:
    """bfloat16 on CUDA for what is safe in it; float32 elsewhere."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda")
