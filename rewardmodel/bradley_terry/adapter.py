"""LoRA (Hu et al. 2106.09685): small matrices that learn beside the trunk's frozen weights, and their merging."""

from typing import Any

import torch

from rewardmodel.bradley_terry.config import LoraSettings


def add_adapter(trunk: Any, settings: LoraSettings, *, seed: int) -> None:
    """Put LoRA layers, in float32, into ``trunk``, in place, and freeze the rest.

    ``seed`` decides the first A; B is 0, so nothing changes yet. The global generators are left as they were.
    """
    from peft import LoraConfig, inject_adapter_in_model  # its import is slow, and few fits need it

    wanted = LoraConfig(
        r=settings.rank, lora_alpha=settings.alpha, lora_dropout=0.0, target_modules="all-linear"
    )
    with torch.random.fork_rng(range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        inject_adapter_in_model(wanted, trunk)
    for value in trunk.parameters():
        if value.requires_grad:
            value.data = value.data.float()  # bfloat16 would round small updates away


def merge_adapter(trunk: Any) -> dict[str, torch.Tensor]:
    """Add what LoRA learnt to the weights it stood beside, in place; the state as if there never was LoRA."""
    from peft.tuners.lora import LoraLayer

    for module in trunk.modules():
        if isinstance(module, LoraLayer):
            module.merge()
    return {
        name.replace(".base_layer.", "."): value
        for name, value in trunk.state_dict().items()
        if ".lora_" not in name
    }
