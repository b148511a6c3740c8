"""Small rankings, tokenizers and networks for the tests of the pure packages."""

import json
import math
import random
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    BertConfig,
    LlamaConfig,
    PreTrainedTokenizerFast,
)

from lm.loading import make_trunk
from lm.scratch import make_config, make_tokenizer
from rewardmodel.bradley_terry import commands
from rewardmodel.bradley_terry.network import RewardNetwork, make_head
from runs.folder.files import read_json
from runs.folder.folder import RunFolder
from runs.folder.stopping import StopSignal

# What a word is worth to the made-up judges.
WORTH = {"awful": -2.0, "poor": -1.0, "plain": 0.0, "good": 1.0, "great": 2.0}
PLACES = ("inn", "bar", "cafe", "club", "hall", "mill", "barn", "pier", "dock", "tower")
TEXTS = [f"the {place} is {word} and {word}" for place in PLACES for word in WORTH]

TINY: dict[str, Any] = {
    "base": "scratch",
    "vocabulary": 300,
    "hidden": 16,
    "layers": 1,
    "heads": 2,
    "context": 128,
    "epochs": 2,
    "learning_rate": 0.01,
    "batch_rankings": 8,
    "resamples": 50,
    "threads": 1,
    "device": "cpu",
}


def make_line(
    tiers: Sequence[int], *, texts: Sequence[str] | None = None, prompt: str = "Where?", **fields: Any
) -> dict[str, Any]:
    """One line of a snapshot, its pairs by brute force from ``tiers``."""
    texts = texts or [f"text {number}" for number in range(len(tiers))]
    both = list(combinations(range(len(tiers)), 2))
    return {
        "ranking": "r",
        "task": "t",
        "form": "text",
        "prompt": [{"role": "user", "content": prompt}],
        "split": "train",
        "annotator": "alice",
        "verdict": "ranked",
        "completions": [
            {"id": f"c{number}", "text": text, "source": f"s{number}"} for number, text in enumerate(texts)
        ],
        "tiers": list(tiers),
        "pairs": [[i, j] if tiers[i] < tiers[j] else [j, i] for i, j in both if tiers[i] != tiers[j]],
        "ties": [[i, j] for i, j in both if tiers[i] == tiers[j]],
        "strength": None,
        "order_shown": None,
        "simulated": False,
        "by_doubt": False,
        **fields,
    }


def make_lines(
    count: int, *, completions: int = 3, seed: int = 0, ties: bool = False
) -> list[dict[str, Any]]:
    """Rankings by judges who follow Bradley and Terry: completions drawn best first (Plackett and Luce).

    A completion's worth is the sum of its two words' worths. Two judges a task; prompts 8 : 1 : 1.
    """
    chance = random.Random(seed)
    lines = []
    for number in range(count):
        place = f"{PLACES[number // 2 % len(PLACES)]} {number // 20}"
        drawn = random.Random(number // 2)
        words = [(drawn.choice(list(WORTH)), drawn.choice(list(WORTH))) for _ in range(completions)]
        left, order = list(range(completions)), []
        while left:
            weights = [math.exp(WORTH[words[item][0]] + WORTH[words[item][1]]) for item in left]
            order.append(left.pop(chance.choices(range(len(left)), weights)[0]))
        tiers = [order.index(item) + 1 for item in range(completions)]
        lines.append(
            make_line(
                [max(1, tier - 1) for tier in tiers] if ties and number % 2 else tiers,
                texts=[f"it is {one} and {two}" for one, two in words],
                prompt=f"How is the {place}?",
                ranking=f"r{number}",
                task=f"t{number // 2}",
                annotator=("alice", "bob")[number % 2],
                split="validation" if number // 2 % 10 == 8 else "test" if number // 2 % 10 == 9 else "train",
                simulated=True,
            )
        )
    return lines


def write_lines(path: Path, lines: Iterable[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def make_fit(path: Path, lines: Sequence[Any] | None = None, **config: Any) -> RunFolder:
    """A prepared fit that takes about a second."""
    folder = RunFolder(path)
    folder.make()
    write_lines(folder.inputs / "snapshot.jsonl", make_lines(60) if lines is None else lines)
    folder.write_config({**TINY, **config})
    return folder


def fit(folder: RunFolder) -> dict[str, Any]:
    """Fit in this process; meta.json of the reward model."""
    commands.fit(folder, StopSignal())
    meta: dict[str, Any] = read_json(folder.output / "meta.json")
    return meta


def make_network(seed: int = 0, *, config: Any = None, spread: float = 0.3) -> tuple[Any, RewardNetwork]:
    """A tokenizer and a network of random weights, wide enough apart that a fault in a mask shows."""
    tokenizer = make_tokenizer(TEXTS, vocab_size=300)
    if config is None:
        config = make_config(tokenizer, hidden=32, layers=2, heads=4, context=128)
    config.initializer_range = spread
    trunk = make_trunk(config, tokenizer=tokenizer, seed=seed)
    return tokenizer, RewardNetwork(trunk, make_head(trunk, seed=seed))


def make_encoder(folder: Path, kind: type[Any] = BertConfig, **settings: Any) -> Path:
    """A BERT, or another of its ``kind``, as a hub would give it: no EOS, texts between [CLS] and [SEP].

    Like many on a hub it has learnt to fill gaps alone: nothing of a classifier's own layers is there.
    """
    words = sorted({word for text in TEXTS for word in text.split()})
    names = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", *words]
    raw = Tokenizer(models.WordLevel({name: number for number, name in enumerate(names)}, unk_token="[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    raw.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]", unk_token="[UNK]"
    )
    sizes = {
        "vocab_size": len(names),
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 128,
        "pad_token_id": 0,
    }
    config = kind(**{**sizes, **settings})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        AutoModelForMaskedLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_policy(folder: Path) -> Path:
    """A causal language model as a hub would give it: pad is EOS, no meta.json."""
    tokenizer = make_tokenizer(TEXTS, vocab_size=300)
    tokenizer.pad_token = tokenizer.eos_token
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=128,
        attention_dropout=0.1,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
