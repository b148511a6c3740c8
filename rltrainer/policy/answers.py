"""What one policy answers to the prompts, and the figures of each answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lm.loading import context_length
from rltrainer.policy.config import EvaluateConfig
from rltrainer.policy.demonstrations import Demonstration, encode_demonstrations
from rltrainer.policy.generation import Generated, generate
from rltrainer.policy.loading import Policy
from rltrainer.policy.log_probabilities import completion_log_probabilities
from rltrainer.policy.prompts import Prompt, encode_with_room
from rltrainer.policy.sft_loss import row_losses, targets_of

TOKENS_AT_ONCE = 8192  # of demonstrations, padding counted


@dataclass(frozen=True)
class Answer:
    """One completion: ``tokens`` with EOS; ``kl`` = log pi - log pi_first of it in nats, None where unknown."""

    prompt: int
    text: str
    finished: bool
    tokens: int
    kl: float | None


def answer_prompts(
    policy: Policy,
    first: Policy | None,
    prompts: Sequence[Prompt],
    config: EvaluateConfig,
    between: Callable[[int], None],
) -> list[Answer]:
    """``config.completions`` answers a prompt. ``first`` is the reference of the KL, None where it has none.

    ``between`` hears before each forward pass how many prompts are done. The numbers drawn are the same for every
    policy.
    """
    answers: list[Answer] = []
    for start in range(0, len(prompts), config.batch_prompts):
        batch = prompts[start : start + config.batch_prompts]
        encoded = encode_with_room(policy, batch, **config.limits)
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + start)
        before_pass = partial(between, start)
        generated = generate(
            policy.model, policy.tokenizer, encoded.ids, config.settings(), generator, between=before_pass
        )
        divergence = _divergence(policy, first, generated, config.temperature, before_pass)
        answers += _answers(generated, divergence, start, config.completions)
    return answers


def _answers(generated: Generated, divergence: Tensor | None, start: int, samples: int) -> list[Answer]:
    lengths = generated.completion_mask.sum(dim=1).tolist()
    kl = [None] * len(generated.texts) if divergence is None else divergence.tolist()
    rows = zip(generated.texts, generated.finished.tolist(), lengths, kl, strict=True)
    return [Answer(start + number // samples, *row) for number, row in enumerate(rows)]


@torch.no_grad()
def _divergence(
    policy: Policy,
    first: Policy | None,
    generated: Generated,
    temperature: float,
    between: Callable[[], None],
) -> Tensor | None:
    """(B,) sum over the tokens of log pi - log pi_first: k1 of each answer (Schulman 2020), its mean the KL."""
    if first is None:
        return None
    start = generated.sequences.shape[1] - generated.completion_mask.shape[1]

    def log_probabilities(model: Any) -> Tensor:
        between()
        return completion_log_probabilities(
            model, generated.sequences, generated.attention_mask, start, temperature
        )

    return (log_probabilities(policy.model) - log_probabilities(first.model)).double().sum(dim=1)


def same_tokens(one: Policy, other: Policy) -> bool:
    """Whether two policies share their vocabulary, without which one cannot score the other's tokens."""
    return bool(one.tokenizer.get_vocab() == other.tokenizer.get_vocab())


class Losses(NamedTuple):
    """Of each demonstration -log pi in nats, and the tokens that it is the sum of, EOS counted; and how many texts were
    ``cut`` for it."""

    rows: list[tuple[float, int]]
    cut: dict[str, int]


def demonstration_losses(
    policy: Policy,
    demonstrations: Sequence[Demonstration],
    config: EvaluateConfig,
    between: Callable[[], None] = lambda: None,
) -> Losses:
    """The losses of what ``policy`` reads of the demonstrations."""
    room = context_length(policy.model) - config.max_new_tokens
    examples = encode_demonstrations(
        policy.tokenizer,
        demonstrations,
        max_prompt_tokens=min(config.max_prompt_tokens, room),
        max_completion_tokens=config.max_new_tokens,
    )
    losses = row_losses(
        policy.model,
        examples.rows,
        policy.tokenizer.pad_token_id,
        micro_batch_tokens=TOKENS_AT_ONCE,
        device=policy.model.device,
        between=between,
    )
    return Losses(list(zip(losses, map(targets_of, examples.rows), strict=True)), examples.cut)
