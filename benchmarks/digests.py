"""Digests of the weights that small trainings end in, on one CPU thread: what changes no result changes none of them.

    python -m benchmarks.digests > before    (then change the code)    python -m benchmarks.digests | diff before -

They belong to one build of torch on one kind of processor.
"""

import hashlib
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors import safe_open

from rltrainer.policy import sft
from rltrainer.ppo import train
from runs.folder.folder import RunFolder
from runs.folder.stopping import StopSignal
from tests.rewardmodel.pure.factories import fit, make_encoder, make_fit
from tests.rltrainer.policy.factories import make_folder, make_sft_folder
from tests.rltrainer.ppo.factories import make_run

LORA = {"rank": 4, "alpha": 8}


def digest(folder: RunFolder) -> str:
    """Of all tensors in the output, by name and bytes; files' headers and meta.json are left out."""
    digest = hashlib.sha256()
    for path in sorted(folder.output.rglob("*.safetensors")):
        with safe_open(str(path), "pt") as file:
            for name in sorted(file.keys()):
                digest.update(name.encode())
                digest.update(file.get_tensor(name).contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _fit(path: Path, **config: Any) -> RunFolder:
    folder = make_fit(path, **config)
    fit(folder)
    return folder


def _encoder(path: Path) -> RunFolder:
    return _fit(path / "run", base=str(make_encoder(path / "encoder")), epochs=1)


def _warm(path: Path) -> RunFolder:
    first = _fit(path / "first")
    return _fit(path / "run", base=str(first.output), keep_head=True, lora=LORA, ties="rao_kupper")


def _sft(path: Path, **config: Any) -> RunFolder:
    folder = make_sft_folder(path, **config)
    sft.main(folder, StopSignal())
    return folder


def _sft_lora(path: Path) -> RunFolder:
    make_folder(path / "policy")
    return _sft(path / "run", base=str(path / "policy"), lora=LORA)


def _train(path: Path, **config: Any) -> RunFolder:
    folder = make_run(path, **config)
    train.main(folder, StopSignal())
    return folder


TRAININGS: dict[str, Callable[[Path], RunFolder]] = {
    "fit from scratch": _fit,
    "fit from scratch, two seeds, half ties": lambda path: _fit(path, seeds=2, ties="half"),
    "fit of an encoder": _encoder,
    "fit that goes on with a reward model, LoRA": _warm,
    "SFT from scratch": _sft,
    "SFT with LoRA": _sft_lora,
    "PPO": _train,
    "PPO with LoRA": lambda path: _train(path, lora=LORA),
    "REINFORCE": lambda path: _train(path, algorithm="reinforce"),
}


def main() -> None:
    """One line a training."""
    with tempfile.TemporaryDirectory() as name:
        for number, (title, training) in enumerate(TRAININGS.items()):
            folder = training(Path(name) / str(number))
            steps = [json.loads(line) for line in folder.metrics_file.read_text().splitlines()]
            sys.stdout.write(f"{digest(folder)}  {len(steps):3} lines of metrics  {title}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
