"""What SFT starts from: demonstrations as token ids, and a policy loaded or made from scratch."""

from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from lm.loading import context_length
from lm.scratch import make_config, make_tokenizer
from lm.subset import drawn
from rltrainer.policy.bases import load_for_training
from rltrainer.policy.config import ResolvedSft, SftConfig
from rltrainer.policy.demonstrations import (
    Demonstration,
    Example,
    Examples,
    encode_demonstrations,
    read_demonstrations,
)
from rltrainer.policy.loading import Policy, prepare_policy
from runs.folder.errors import BadInput
from runs.folder.folder import RunFolder


@dataclass(frozen=True)
class Start:
    """``train`` and ``held_out`` examples; ``cut``, how many prompts and completions of either were too long."""

    config: ResolvedSft
    policy: Policy
    train: list[Example]
    held_out: list[Example]
    cut: dict[str, int]


def prepare(config: SftConfig, folder: RunFolder, device: torch.device) -> Start:
    """Read inputs/demonstrations.jsonl and load the base. Raises BadInput where there is nothing to learn."""
    demonstrations = read_demonstrations(folder.inputs / "demonstrations.jsonl")
    train = [demonstration for demonstration in demonstrations if demonstration.split == "train"]
    validation = [demonstration for demonstration in demonstrations if demonstration.split == "validation"]
    held_out = drawn(validation, config.held_out_rows, seed=config.seed)
    if not train:
        raise BadInput('no demonstration is in the train split: import more, or give some "split": "train"')
    policy = start_policy(config, train, device)
    parameters = sum(value.numel() for value in policy.model.parameters())
    learnt, read = (_encode(policy, config, rows) for rows in (train, held_out))
    cut = {**learnt.cut, **{f"held_out_{name}": count for name, count in read.cut.items()}}
    return Start(config.resolved(parameters), policy, learnt.rows, read.rows, cut)


def start_policy(config: SftConfig, train: list[Demonstration], device: torch.device) -> Policy:
    """The base that the config names."""
    if config.from_scratch:
        return make_policy(config, train, device)
    return load_for_training(
        config.base,
        lora=config.lora,
        device=device,
        seed=config.seed,
        reference=False,
        gradient_checkpointing=config.gradient_checkpointing,
        date=config.date,
    )


def make_policy(config: SftConfig, train: list[Demonstration], device: torch.device) -> Policy:
    """A small Llama with first weights from the seed, and a tokenizer trained on the train split's texts."""
    texts = [message["content"] for demonstration in train for message in demonstration.messages]
    texts += [demonstration.completion for demonstration in train]
    try:
        tokenizer = make_tokenizer(texts, vocab_size=config.vocabulary)
        sizes = make_config(
            tokenizer, hidden=config.hidden, layers=config.layers, heads=config.heads, context=config.context
        )
    except ValueError as error:
        raise BadInput(str(error)) from error
    with torch.random.fork_rng(range(torch.cuda.device_count())):
        torch.manual_seed(config.seed)
        model: Any = AutoModelForCausalLM.from_config(sizes)
    return prepare_policy(
        model.to(device),
        tokenizer,
        {},
        lora=None,
        seed=config.seed,
        reference=False,
        gradient_checkpointing=config.gradient_checkpointing,
    )


def _encode(policy: Policy, config: SftConfig, rows: list[Demonstration]) -> Examples:
    """Completions may fill half of the context, prompts what is left."""
    room = context_length(policy.model)
    completion = min(config.max_completion_tokens, room // 2)
    prompt = min(config.max_prompt_tokens, room - completion)
    return encode_demonstrations(
        policy.tokenizer, rows, max_prompt_tokens=prompt, max_completion_tokens=completion
    )
