"""Small policies and tokenizers for the tests of rltrainer.policy."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedTokenizerFast

WORDS = ["the", "a", "cat", "dog", "bird", "sat", "ran", "sang", "on", "over", "mat", "hill", "and"]


def make_tokenizer() -> Any:
    """One token a word: <pad> 0, <eos> 1, <unk> 2, then WORDS."""
    names = ["<pad>", "<eos>", "<unk>", *WORDS]
    raw = Tokenizer(models.WordLevel({name: index for index, name in enumerate(names)}, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>", padding_side="left"
    )


def make_model(seed: int = 0, *, vocabulary: int = 16, spread: float = 0.3, **settings: Any) -> Any:
    """A Llama of two layers; ``spread`` is the deviation of its weights: 0.3 gives clear preferences."""
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=64,
        initializer_range=spread,
        bos_token_id=None,
        eos_token_id=1,
        pad_token_id=0,
        **settings,
    )
    return make_from_config(config, seed)


def make_from_config(config: Any, seed: int = 0) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return AutoModelForCausalLM.from_config(config).eval()


def make_folder(folder: Path, seed: int = 0) -> Path:
    """A policy folder without meta.json, as a hub would give it."""
    make_model(seed).save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    return folder
