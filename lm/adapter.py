"""LoRA (Hu et al. 2106.09685): small matrices that learn beside frozen weights, their merging, and peft's folders.

Whole weights are what Concord keeps and loads. What was learnt lies beside them (``adapter.safetensors``), so that it
can go out as a folder that peft puts beside the base.
"""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers.pytorch_utils import Conv1D

from lm.lora import ADAPTER, LoraSettings
from runs.folder.errors import BadInput

POOLER = "pooler"


def add_adapter(model: Any, settings: LoraSettings, *, seed: int) -> None:
    """Put LoRA layers, in float32, into ``model``, in place, and freeze the rest.

    ``seed`` decides the first A; B is 0, so nothing changes yet. The global generators are left as they were. What an
    encoder's classifier reads it through (``POOLER``) is part of a head: it learns whole. Raises BadInput where the
    architecture takes none.
    """
    from peft import LoraConfig, inject_adapter_in_model  # its import is slow, and few trainings need it

    pooler = getattr(model, POOLER, None)
    lora = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=0.0,
        target_modules="all-linear",
        exclude_modules=rf"{POOLER}(\..*)?" if pooler is not None else None,
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
            reason = str(error).partition(". ")[0]  # what follows names sets of modules, in any order
            raise BadInput(
                f"LoRA cannot learn beside {type(model).__name__}: {reason}. Train all weights, or use another base"
            ) from error
    if pooler is not None:
        pooler.requires_grad_(True)
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


def merge_adapter(model: Any) -> None:
    """Make ``model``, in place and in float32, what whoever loads its ``merged_state`` will have."""
    state = merged_state(model)
    without_adapter(model).float().load_state_dict(state)


def without_adapter(model: Any) -> Any:
    """``model`` with each LoRA layer replaced by the layer it stands beside, in place."""
    for name, layer in list(model.named_modules()):
        if hasattr(layer, "lora_A") and "base_layer" not in name.split("."):  # the outermost of several
            model.set_submodule(name, layer.get_base_layer())
    return model


def adapter_state(model: Any) -> dict[str, Tensor]:
    """What LoRA learnt, by layer; nothing where a layer of several matrices learnt, such as a mixture's experts, which
    peft's folders name otherwise."""
    layers = _lora_layers(model)
    if any(hasattr(layer, "parameter_name") for layer in layers.values()):
        return {}
    return {
        f"{name}.{part}.weight": getattr(layer, part)[adapter].weight.detach().cpu().contiguous()
        for name, layer in layers.items()
        for part in ("lora_A", "lora_B")
        for adapter in layer.active_adapters
    }


def save_adapter(state: Mapping[str, Tensor], folder: Path) -> None:
    """Write an ``adapter_state`` into ``folder``, where there is one."""
    if state:
        save_file(dict(state), folder / ADAPTER)


def load_adapter(folder: Path) -> dict[str, Tensor]:
    """What ``save_adapter`` wrote. Raises BadInput where there is none."""
    if not (folder / ADAPTER).is_file():
        raise BadInput(
            "this version holds no adapter: all its weights were trained, or what LoRA learnt was only kept merged, as "
            "it is beside a mixture's experts. Export it whole"
        )
    return load_file(folder / ADAPTER)


def write_peft_folder(
    folder: Path,
    state: Mapping[str, Tensor],
    settings: LoraSettings,
    *,
    model: Any,
    prefix: str,
    base: str,
    task: str,
    head: Mapping[str, Tensor] | None = None,
) -> None:
    """``state`` as peft's folder for a ``task``: ``prefix`` is where ``model``, whose layers it names, stands in the
    class of that task. ``head`` are whole layers of that class which are saved beside it."""
    from peft import LoraConfig

    names = sorted({name.rpartition(".lora_")[0] for name in state})
    learnt = sorted({name.rpartition(".")[2] for name in names})
    whole = [name.removeprefix(prefix).rpartition(".")[0] for name in head or {}]
    # A head's layer may be called as one that LoRA stands beside.
    alike = sorted({name for name in whole if name.rpartition(".")[2] in learnt})
    LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=0.0,
        target_modules=learnt,
        exclude_modules=alike or None,
        modules_to_save=sorted({name.partition(".")[0] for name in whole}) or None,
        task_type=task,
        base_model_name_or_path=base,
        inference_mode=True,
        fan_in_fan_out=isinstance(model.get_submodule(names[0]), Conv1D),
    ).save_pretrained(folder)
    tensors = {f"base_model.model.{prefix}{name}": value for name, value in state.items()}
    tensors |= {f"base_model.model.{name}": value.contiguous() for name, value in (head or {}).items()}
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})


def load_peft_folder(folder: Path, task: str, **options: Any) -> Any:
    """The folder beside its base, as peft loads it. Raises BadInput where the base is not to be had."""
    from peft import AutoPeftModelForCausalLM, AutoPeftModelForSequenceClassification

    kinds = {"CAUSAL_LM": AutoPeftModelForCausalLM, "SEQ_CLS": AutoPeftModelForSequenceClassification}
    try:
        return kinds[task].from_pretrained(folder, **options)
    except (OSError, ValueError, RuntimeError) as error:
        raise BadInput(
            f"peft cannot load the adapter beside its base: {error}. Export the version whole"
        ) from error


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
