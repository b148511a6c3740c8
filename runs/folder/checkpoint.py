"""The newest resumable state: named tensors and a JSON state in one safetensors file.

One file, because one file can be replaced atomically: a kill in mid-write leaves the older
checkpoint whole. safetensors and JSON only, never pickle (CVE-2025-5173 is what pickle brings).
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from runs.folder.errors import BadInput

if TYPE_CHECKING:  # torch is imported when a checkpoint is written or read: the web process never does
    import torch

NAME = "newest.safetensors"
FORMAT = 1


class Checkpoint(NamedTuple):
    """``tensors`` on the CPU, and ``state``, whatever JSON the child needs to go on."""

    step: int
    tensors: "dict[str, torch.Tensor]"
    state: dict[str, Any]


def save_checkpoint(
    folder: Path,
    *,
    step: int,
    tensors: "Mapping[str, torch.Tensor]",
    state: Mapping[str, Any],
    kept: int = 1,
) -> None:
    """Replace the newest checkpoint. Tensors that share memory are stored once each.

    With ``kept`` above 1 the newest so many are there by their steps too, as step-00000120.safetensors. Copied over
    newest.safetensors, one of them is what the run goes on from.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{NAME}"
    header = {"format": str(FORMAT), "step": str(step), "state": json.dumps(state)}
    save_file({name: value.detach().cpu().clone() for name, value in tensors.items()}, temporary, header)
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    if kept > 1:
        _keep(temporary, folder, step, kept)
    temporary.replace(folder / NAME)


def _keep(newest: Path, folder: Path, step: int, kept: int) -> None:
    """A second name for ``newest``, which costs no room; the oldest that are too many go."""
    name = folder / f"step-{step:08}.safetensors"
    name.unlink(missing_ok=True)
    name.hardlink_to(newest)
    for old in sorted(folder.glob("step-*.safetensors"))[:-kept]:
        old.unlink()


def load_checkpoint(folder: Path) -> Checkpoint | None:
    """The newest checkpoint, or None. Raises BadInput where its format is not this version's."""
    from safetensors import safe_open

    path = folder / NAME
    if not path.exists():
        return None
    with safe_open(path, framework="pt") as file:
        header = file.metadata() or {}
        if header.get("format") != str(FORMAT):
            raise BadInput(f"{path} has format {header.get('format')}, this version reads {FORMAT}")
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    return Checkpoint(int(header["step"]), tensors, json.loads(header["state"]))
