"""LoRA (Hu et al. 2106.09685): small matrices that learn beside frozen weights, and their merging."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from lm.lora import LoraSettings
from runs.folder.errors import BadInput


def add_adapter(model: Any, settings: LoraSettings, *, seed: int) -> None:
    """Put LoRA layers, in float32, into ``model``, in place, and freeze the rest.

    ``seed`` decides the first A; B is 0, so nothing changes yet. The global generators are left as they were. Raises
    BadInput where the architecture takes none.
    """
    from peft import LoraConfig, inject_adapter_in_model  # its import is slow, and few trainings need it

    lora = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=0.0,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    with torch.random.fork_rng(range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        try:
            with warnings.catch_warnings():
                # For mixtures of experts peft adds ranks of its own by name, and warns of those that it does not need
                warnings.filterwarnings("ignore", "The following (rank|alpha)_pattern keys", RuntimeWarning)
                # It sees how GPT-2 lays out its matrices, and says so
                warnings.filterwarnings("ignore", "fan_in_fan_out is set to False", UserWarning)
                inject_adapter_in_model(lora, model)
        except ValueError as error:
            raise BadInput(
                f"LoRA cannot learn beside {type(model).__name__}: {error} Train all weights, or use another base"
            ) from error
    for value in model.parameters():
        if value.requires_grad:
            value.data = value.data.float()  # bfloat16 would round small updates away


@contextmanager
def adapter_off(model: Any) -> Iterator[None]:
    """Within it ``model`` is what it was before LoRA."""
    layers = list(_lora_layers(model).values())
    try:
        for layer in layers:
            layer.enable_adapters(False)
        yield
    finally:
        for layer in layers:
            layer.enable_adapters(True)


@torch.no_grad()
def merged_state(model: Any) -> dict[str, Tensor]:
    """The state of ``model`` as if it never had LoRA, its adapters added to the weights they stand beside.

    On the CPU, layer by layer, and the live weights are not touched: merging in place and back again would
    change their last bits. Merged weights are float32 whatever the base is: a bfloat16 keeps eight bits, and of an
    update of a few ten-thousandths beside a weight near 1 more than half would be gone.
    """
    state = {
        _without_layers(name): value.detach().cpu()
        for name, value in model.state_dict().items()
        if ".lora_" not in name
    }
    for name, layer in _lora_layers(model).items():
        # A layer of several matrices in one tensor, such as a mixture's experts, is wrapped once for each tensor
        tensor = getattr(layer, "parameter_name", "weight")
        base = getattr(layer.get_base_layer(), tensor)
        delta = sum(layer.get_delta_weight(adapter) for adapter in layer.active_adapters)
        state[f"{_without_layers(name)}.{tensor}"] = (base.float() + delta.float()).cpu()
    return state


@torch.no_grad()
def check_mergeable(model: Any) -> None:
    """Raises BadInput where an adapter has not the shape of the weights that it is to be added to."""
    for name, layer in _lora_layers(model).items():
        base = getattr(layer.get_base_layer(), getattr(layer, "parameter_name", "weight"))
        for adapter in layer.active_adapters:
            if layer.get_delta_weight(adapter).shape != base.shape:
                raise BadInput(
                    f"what LoRA learns at {name} cannot be added to its weights. Train all weights"
                )


def _without_layers(name: str) -> str:
    """The name that a weight or layer has without LoRA around it."""
    return ".".join(part for part in name.split(".") if part != "base_layer")


def _lora_layers(model: Any) -> dict[str, Any]:
    from peft.tuners.lora import LoraLayer

    return {name: module for name, module in model.named_modules() if isinstance(module, LoraLayer)}
