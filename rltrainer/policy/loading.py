"""A policy from a hub name or a folder, with or without LoRA, and back into a folder.

No code from a hub and no pickle is ever run. Dropout is off in every layer, so that the policy, its reference
and the log-probabilities of both are functions of the text alone.
"""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig

from lm.adapter import adapter_off, adapter_state, add_adapter, merge_adapter, merged_state, save_adapter
from lm.loading import load_tokenizer, prepare
from lm.lora import LoraSettings
from lm.rendering import DATE
from rltrainer.policy.artifact import check_folder, write_meta
from runs.folder.errors import BadInput


@dataclass
class Policy:
    """A causal language model with its tokenizer.

    ``model`` is the transformers model itself (LoRA layers inside it, no wrapper), without dropout.
    ``tokenizer`` pads on the left with a token that is not EOS. ``meta`` is the base's meta.json, or {}.
    """

    model: Any
    tokenizer: Any
    meta: dict[str, Any]
    lora: LoraSettings | None = None
    frozen: Any = None

    @contextmanager
    def reference(self) -> Iterator[Any]:
        """The policy as it was loaded: the adapter off, or the frozen copy. Use it under no_grad."""
        if self.lora is not None:
            with adapter_off(self.model):
                yield self.model
        elif self.frozen is not None:
            yield self.frozen
        else:
            raise ValueError("this policy was loaded without a reference: load_policy(..., reference=True)")

    def trainable(self) -> dict[str, torch.nn.Parameter]:
        """The parameters that learn, by name: all of them, or LoRA's."""
        return {name: value for name, value in self.model.named_parameters() if value.requires_grad}


def load_policy(
    base: str,
    *,
    lora: LoraSettings | None,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
    reference: bool = True,
    gradient_checkpointing: bool = False,
    date: str = DATE,
) -> Policy:
    """Load ``base``, a folder or a hub name, in ``dtype`` (LoRA's own weights stay float32).

    ``reference`` keeps a frozen copy (none is needed with LoRA). ``seed`` is of LoRA's first weights, ``date`` what
    a chat template states (lm.rendering). Raises BadInput where there is no such base, its digests do not fit, or it
    would need pickle or remote code.
    """
    if base == "scratch":
        raise BadInput('only "sft" can start from "scratch": name a folder or a hub name as the base')
    meta = check_folder(Path(base)) if Path(base).is_dir() else {}
    model, tokenizer = _from_pretrained(base, dtype, date)
    return prepare_policy(
        model.to(device),
        tokenizer,
        meta,
        lora=lora,
        seed=seed,
        reference=reference,
        gradient_checkpointing=gradient_checkpointing,
    )


def prepare_policy(
    model: Any,
    tokenizer: Any,
    meta: dict[str, Any],
    *,
    lora: LoraSettings | None,
    seed: int,
    reference: bool,
    gradient_checkpointing: bool,
) -> Policy:
    """Turn a bare model and tokenizer into a Policy: pad token, no dropout, LoRA, a frozen reference."""
    keep_ends_alone(model)
    prepare(model, tokenizer)
    tokenizer.padding_side = "left"
    policy = Policy(model, tokenizer, meta, lora)
    if lora is not None:
        add_adapter(model, lora, seed=seed)
    elif reference:
        policy.frozen = copy.deepcopy(model).requires_grad_(False)
    if gradient_checkpointing:
        model.activation_checkpointing_enable()
        model.train()  # transformers looks at the mode; without dropout it changes nothing else
    return policy


def save_policy(policy: Policy, folder: Path, meta: Mapping[str, Any]) -> None:
    """Write a Hugging Face folder: full weights (LoRA merged in, and what it learnt beside them), tokenizer, meta.json.

    ``meta`` says what it was made from (config, inputs, parents, metrics); format and digests are added.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "meta.json").unlink(missing_ok=True)  # digests of older weights must not stand beside new ones
    state = None if policy.lora is None else merged_state(policy.model)
    policy.model.save_pretrained(folder, state_dict=state)
    policy.tokenizer.save_pretrained(folder)
    if policy.lora is not None:
        save_adapter(adapter_state(policy.model), folder)
    write_meta(folder, meta)


def as_saved(policy: Policy) -> Any:
    """The model that whoever loads what ``save_policy`` writes will have, to be measured: with LoRA a copy in float32,
    what was learnt merged in. Beside bfloat16 an adapter computes something else than the sum that is saved."""
    if policy.lora is None:
        return policy.model
    model = copy.deepcopy(policy.model)
    merge_adapter(model)
    return model


def keep_ends_alone(model: Any) -> None:
    """Leave out how a base wants to be sampled, but for the tokens that end an answer: we sample by our own settings,
    and settings that contradict each other would make saving fail after hours of training."""
    base_config = getattr(model, "generation_config", None)
    if base_config is not None:
        ends = {
            name: getattr(base_config, name, None)
            for name in ("bos_token_id", "eos_token_id", "pad_token_id")
        }
        model.generation_config = GenerationConfig(**ends)


def _from_pretrained(base: str, dtype: torch.dtype, date: str) -> tuple[Any, Any]:
    try:
        config = AutoConfig.from_pretrained(base, trust_remote_code=False)
        model = AutoModelForCausalLM.from_pretrained(
            base, config=config, dtype=dtype, use_safetensors=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(
            f"the base {base!r} cannot be loaded: it must be a folder or a hub name of a causal language "
            f"model with safetensors weights and no code of its own. {type(error).__name__}: {error}"
        ) from error
    return model, load_tokenizer(base, date=date)
