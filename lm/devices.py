"""Where a run computes, and in which precision."""

import os

import torch

from runs.folder.errors import BadInput
from runs.folder.files import write_json
from runs.folder.folder import RunFolder

CPU = torch.device("cpu")


def choose_device(name: str) -> torch.device:
    """``auto`` is CUDA where there is one, else the CPU. Of several processes (lm.ranks) each has a GPU of its own.

    Raises BadInput for a device that is not there, and where this machine has fewer GPUs than processes.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise BadInput(f'device {name!r} is none: use "auto", "cpu" or "cuda"') from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise BadInput('device "cuda" is asked for, but this machine has none: use "auto" or "cpu"')
    if device.type != "cuda":
        return device
    return _own_gpu(device)


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


def _own_gpu(device: torch.device) -> torch.device:
    """The GPU of this process. The launcher numbers the processes of this machine and says how many they are."""
    gpus = torch.cuda.device_count()
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", os.environ.get("WORLD_SIZE", "1")))
    if device.index is not None and processes > 1:
        raise BadInput(f'device "{device}" is one GPU, and {processes} processes need one each: use "cuda"')
    if processes > gpus:
        raise BadInput(
            f"{processes} processes need a GPU each, and this machine has {gpus}: set processes to {gpus} or fewer"
        )
    index = int(os.environ.get("LOCAL_RANK", "0")) if device.index is None else device.index
    if index >= gpus:
        names = ", ".join(f'"cuda:{number}"' for number in range(gpus))
        raise BadInput(f'device "{device}" is asked for, but this machine has {names} alone')
    return torch.device("cuda", index)


def precise(dtype: torch.dtype) -> torch.dtype:
    """What logits, losses and values are computed in: float32 at least."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def autocast(device: torch.device) -> torch.autocast:
    """bfloat16 on CUDA for what is safe in it; float32 elsewhere."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda")
