"""Small policies and tokenizers for the tests of rltrainer.policy."""

import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedTokenizerFast

from runs.folder.folder import RunFolder

WORDS = ["the", "a", "cat", "dog", "bird", "sat", "ran", "sang", "on", "over", "mat", "hill", "and"]


def make_tokenizer() -> Any:
    """One token a word: <pad> 0, <eos> 1, <unk> 2, then WORDS."""
    names = ["<pad>", "<eos>", "<unk>", *WORDS]
    raw = Tokenizer(models.WordLevel({name: index for index, name in enumerate(names)}, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>", padding_side="left"
    )


def make_model(
    seed: int = 0, *, vocabulary: int = 16, layers: int = 2, spread: float = 0.3, **settings: Any
) -> Any:
    """A small Llama; ``spread`` is the deviation of its weights: 0.3 gives clear preferences."""
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=layers,
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


def make_folder(folder: Path, seed: int = 0, *, spread: float = 0.3) -> Path:
    """A policy folder without meta.json, as a hub would give it."""
    make_model(seed, spread=spread).save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    return folder


def make_demonstrations(path: Path, count: int = 60) -> Path:
    """Made-up demonstrations of different lengths: the answer repeats what the prompt asks for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    animals, places = ("cat", "dog", "bird", "hen", "fox"), ("mat", "hill", "roof", "cart")
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            animal, place = animals[number % 5], places[number % 4]
            more = " and then it ran home" * (number % 3)
            line = {
                "id": f"d{number}",
                "form": "text" if number % 2 else "chat",
                "prompt": [{"role": "user", "content": f"Where is the {animal}? Look at the {place}."}],
                "completion": f"The {animal} sat on the {place}{more}.",
                "split": "validation" if number % 6 == 5 else "train",
            }
            file.write(json.dumps(line) + "\n")
    return path


TINY = {
    "base": "scratch",
    "vocabulary": 300,
    "hidden": 32,
    "layers": 2,
    "heads": 2,
    "context": 128,
    "epochs": 3,
    "batch_tokens": 512,
    "threads": 1,
    "device": "cpu",
}


def make_sft_folder(path: Path, **config: Any) -> RunFolder:
    """A prepared SFT run that takes about a second."""
    folder = RunFolder(path)
    folder.make()
    make_demonstrations(folder.inputs / "demonstrations.jsonl")
    folder.write_config({**TINY, **config})
    return folder


def make_prompts(path: Path, count: int) -> Path:
    """Prompts p0, p1, ... of five words and more, as text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            words = " ".join(WORDS[number % 7 : number % 7 + 5])
            message = {"role": "user", "content": f"{words} {WORDS[number % 13]}"}
            line = {"id": f"p{number}", "form": "text", "prompt": [message], "split": "train"}
            file.write(json.dumps(line) + "\n")
    return path
