"""A reward model as a folder that describes itself (format 1, docs/architecture.md), and back.

trunk/               the trunk's Hugging Face folder, LoRA merged in, with the tokenizer's files; an encoder's with the
                     whole of transformers' classifier
adapter.safetensors  what LoRA learnt, where it did
head.safetensors     weight (1, d), bias (1,), float32; none beside an encoder, whose classifier holds its head
meta.json            format, config, inputs, parents, encoding, ties, normalisation, report, files
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from lm.adapter import save_adapter
from lm.loading import TRUNK, is_encoder, load_classifier, load_tokenizer, load_trunk, place, width
from lm.manifest import FORMAT, NAME, check_kind, check_manifest, code_version, files_of
from rewardmodel.bradley_terry.encoding import Limits
from rewardmodel.bradley_terry.network import RewardNetwork
from rewardmodel.bradley_terry.scoring import Normalisation, RewardModel
from runs.folder.errors import BadInput
from runs.folder.files import write_json

KIND = "reward_model"
HEAD = "head.safetensors"


def save_reward_model(
    model: RewardModel, folder: Path, meta: Mapping[str, Any], adapter: Mapping[str, Tensor] | None = None
) -> None:
    """Write ``model`` as a reward model folder, and beside it the ``adapter`` that was merged into it.

    ``meta`` says what it was made from (config, inputs, parents, report). meta.json is written last, so
    that its presence means whole.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NAME).unlink(missing_ok=True)  # digests of older weights must not stand beside new ones
    network = model.network
    (network.trunk if network.classifier is None else network.classifier).save_pretrained(folder / TRUNK)
    model.tokenizer.save_pretrained(folder / TRUNK)
    if network.classifier is None:
        head = {name: value.detach().cpu().contiguous() for name, value in network.head.state_dict().items()}
        save_file(head, folder / HEAD)
    save_adapter(adapter or {}, folder)
    description = {
        "format": FORMAT,
        "kind": KIND,
        "code_version": code_version(),
        "normalisation": {"mean": model.normalisation.mean, "std": model.normalisation.std},
        "encoding": model.limits._asdict(),
        "ties": {"mode": model.ties, "parameter": model.tie_parameter},
        "files": files_of(folder),
    }
    write_json(folder / NAME, {**meta, **description})


def load_reward_model(folder: Path | str, device: torch.device | str = "cpu") -> RewardModel:
    """The reward model in ``folder``, ready to score on ``device``.

    Raises BadInput where the folder holds none, its format is not this version's, or a file is missing,
    changed or not listed in meta.json.
    """
    folder = Path(folder)
    meta = check_meta(folder)
    tokenizer = load_tokenizer(str(folder / TRUNK))
    network = load_network(folder, tokenizer=tokenizer).to(device)
    limits = Limits(**meta["encoding"])
    return RewardModel(
        network=network.requires_grad_(False),
        tokenizer=tokenizer,
        limits=limits,
        share=network.shares(limits, pad_id=tokenizer.pad_token_id),
        ties=meta["ties"]["mode"],
        tie_parameter=meta["ties"]["parameter"],
        normalisation=Normalisation(**meta["normalisation"]),
        meta=meta,
    )


def check_meta(folder: Path) -> dict[str, Any]:
    """meta.json of a reward model folder whose files are those it lists. Raises BadInput."""
    meta = check_manifest(folder)
    if not meta:
        raise BadInput(f"{folder} holds no {NAME}: it is not a reward model's folder")
    check_kind(folder, meta, KIND)
    return meta


def load_network(folder: Path, *, tokenizer: Any, dtype: torch.dtype = torch.float32) -> RewardNetwork:
    """The network in ``folder``, which ``check_meta`` has read, on the CPU; a causal trunk in ``dtype``.

    Raises BadInput.
    """
    inner = place(str(folder))
    if not (folder / HEAD).is_file() and is_encoder(inner):
        return RewardNetwork.around(load_classifier(inner, tokenizer=tokenizer, seed=0))
    trunk = load_trunk(inner, tokenizer=tokenizer, dtype=dtype)
    return RewardNetwork(trunk, load_head(folder, trunk))


def load_head(folder: Path, trunk: Any) -> nn.Linear:
    """The head in ``folder``, of a trunk as wide as ``trunk``. Raises BadInput."""
    path, size = folder / HEAD, width(trunk)
    if not path.is_file():
        raise BadInput(f"{folder} is no reward model's folder: it has no {HEAD}")
    tensors = load_file(path)
    shapes = {name: tuple(value.shape) for name, value in tensors.items()}
    if shapes != {"weight": (1, size), "bias": (1,)}:
        raise BadInput(f"{path} holds {shapes}, not the head of a trunk {size} wide: copy the folder again")
    head = nn.Linear(size, 1, device="meta", dtype=torch.float32).to_empty(device="cpu")
    head.load_state_dict(tensors)
    return head
