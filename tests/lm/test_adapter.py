"""What LoRA has learnt is in the weights that are saved, whatever the precision of the base."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, MixtralConfig

from lm.adapter import add_adapter, merged_state
from lm.lora import LoraSettings


def make_model(dtype: torch.dtype) -> Any:
    config = LlamaConfig(
        vocab_size=32, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=64, initializer_range=1.0,
    )  # fmt: skip
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(config).to(dtype).eval()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_a_small_update_is_whole_after_a_save_and_a_load(dtype: torch.dtype, tmp_path: Path) -> None:
    model = make_model(dtype)
    base = {name: value.float().clone() for name, value in model.state_dict().items()}
    add_adapter(model, LoraSettings(rank=2, alpha=2), seed=1)
    learnt = {name: value for name, value in model.named_parameters() if ".lora_B" in name}
    generator = torch.Generator().manual_seed(2)
    for value in learnt.values():
        value.data.copy_(3e-4 * torch.randn(value.shape, generator=generator))
    model.save_pretrained(tmp_path, state_dict=merged_state(model))
    again = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32).state_dict()
    named = dict(model.named_parameters())
    for name in learnt:
        stem = name.partition(".lora_B")[0]
        first = named[name.replace(".lora_B", ".lora_A")].detach()
        update = learnt[name].detach() @ first  # alpha / rank is 1
        weight = f"{stem}.weight"
        assert float(update.abs().max()) > 1e-4
        torch.testing.assert_close(again[weight] - base[weight], update, rtol=0, atol=1e-6)
    untouched = "model.embed_tokens.weight"
    assert torch.equal(again[untouched], base[untouched])


def test_what_experts_in_one_tensor_learn_is_saved_too(tmp_path: Path) -> None:
    """Their matrices are one tensor, so LoRA wraps the layer once for each of its tensors."""
    config = MixtralConfig(
        vocab_size=32, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=64, num_local_experts=3, initializer_range=1.0,
    )  # fmt: skip
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).eval()
    ids = torch.arange(12).view(2, 6)
    with torch.no_grad():
        before = model(input_ids=ids).logits
        add_adapter(model, LoraSettings(rank=2, alpha=2), seed=1)
        learnt = [
            value for name, value in model.named_parameters() if ".lora_B" in name and "experts" in name
        ]
        for value in learnt:
            value.copy_(0.1 * torch.randn(value.shape, generator=torch.Generator().manual_seed(2)))
        after = model(input_ids=ids).logits
        model.save_pretrained(tmp_path, state_dict=merged_state(model))
        again = (
            AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32).eval()(input_ids=ids).logits
        )
    assert len(learnt) == 2
    assert float((after - before).abs().max()) > 0.1
    torch.testing.assert_close(again, after, rtol=1e-4, atol=1e-4)
