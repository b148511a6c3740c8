"""Sampling completions, with a key-value cache that the samples of a prompt share and ended rows leave.

Every uniform number is drawn before the first step, one a row and step, so what a row says depends on the
generator's state and the row's number alone: not on when other rows end.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor

from lm.loading import context_length
from lm.padding import left_pad
from lm.ranks import ALONE, Ranks
from rltrainer.policy.config import SamplingSettings
from rltrainer.policy.forward import head_logits, positions_from_mask, run_trunk
from rltrainer.policy.sampling import choose_tokens
from runs.folder.errors import BadInput


class Generated(NamedTuple):
    """B = prompts x samples rows, a prompt's samples side by side; P the longest prompt, R the longest.

    ``sequences`` (B, P+R) int64, prompts padded on the left, completions on the right; ``attention_mask``
    (B, P+R) int64, 1 on real tokens; ``completion_mask`` (B, R) bool, True up to and including EOS;
    ``finished`` (B,) bool, True where EOS came; ``texts``, B strings without EOS and special tokens.
    """

    sequences: Tensor
    attention_mask: Tensor
    completion_mask: Tensor
    finished: Tensor
    texts: list[str]


@torch.no_grad()
def generate(
    policy_model: Any,
    tokenizer: Any,
    prompt_ids: Sequence[Sequence[int]],
    sampling: SamplingSettings,
    generator: torch.Generator,
    *,
    between: Callable[[], None] = lambda: None,
    ranks: Ranks = ALONE,
) -> Generated:
    """Sample ``sampling.samples`` completions of each prompt. The same generator state, the same samples.

    Of several processes each samples its share of the prompts, what one alone would sample for them. ``between`` is
    called before each forward pass. Raises BadInput where the longest prompt and max_new_tokens do not fit the policy's
    context.
    """
    _check_room(policy_model, prompt_ids, sampling)
    ends = end_ids(policy_model, tokenizer)
    uniform = _uniform_numbers(len(prompt_ids), sampling, generator, ranks).to(policy_model.device)
    prompts, prompt_mask = left_pad(ranks.share(prompt_ids), tokenizer.pad_token_id, policy_model.device)
    with evaluating(policy_model):
        tokens, lengths, finished = _decode(
            policy_model, prompts, prompt_mask, sampling, uniform, ends, between
        )
    tokens = tokens[:, : int(lengths.max())]
    real = torch.arange(tokens.shape[1], device=tokens.device) < lengths[:, None]
    tokens = tokens.masked_fill(~real, tokenizer.pad_token_id)
    repeat = sampling.samples
    return Generated(
        torch.cat([prompts.repeat_interleave(repeat, 0), tokens], dim=1),
        torch.cat([prompt_mask.repeat_interleave(repeat, 0), real.long()], dim=1),
        real,
        finished,
        decode_completions(tokenizer, tokens, lengths - finished.long()),
    )


def end_ids(model: Any, tokenizer: Any) -> list[int]:
    """The tokens that end a completion: the tokenizer's EOS, and those the policy's own settings add."""
    more = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    listed = more if isinstance(more, list) else [more]
    return sorted({tokenizer.eos_token_id, *(token for token in listed if token is not None)})


def decode_completions(tokenizer: Any, tokens: Tensor, lengths: Tensor) -> list[str]:
    """Texts of the first ``lengths`` (B,) of ``tokens`` (B, R), special tokens left out."""
    rows = [row[:length] for row, length in zip(tokens.tolist(), lengths.tolist(), strict=True)]
    texts: list[str] = tokenizer.batch_decode(
        rows, skip_special_tokens=True, clean_up_tokenization_spaces=False
    )
    return texts


def storable(text: str) -> str:
    """A completion as a report quotes it: a NUL, which no database stores, is U+FFFD."""
    return text.replace("\0", "\ufffd")


def _uniform_numbers(
    prompts: int, sampling: SamplingSettings, generator: torch.Generator, ranks: Ranks
) -> Tensor:
    """(max_new_tokens, B) in [0, 1): drawn for the completions of all prompts, whichever process samples them."""
    numbers = torch.rand(
        sampling.max_new_tokens,
        prompts,
        sampling.samples,
        dtype=torch.float64,
        generator=generator,
        device=generator.device,
    )
    return numbers[:, list(ranks.share(range(prompts)))].flatten(1)


def _decode(
    model: Any,
    prompts: Tensor,
    prompt_mask: Tensor,
    sampling: SamplingSettings,
    uniform: Tensor,
    ends: list[int],
    between: Callable[[], None],
) -> tuple[Tensor, Tensor, Tensor]:
    """``tokens`` (B, max_new_tokens), ``lengths`` (B,) with EOS counted, ``finished`` (B,)."""
    steps, count, device = sampling.max_new_tokens, len(prompts) * sampling.samples, prompts.device
    mask = torch.cat(
        [prompt_mask.repeat_interleave(sampling.samples, 0), prompt_mask.new_ones(count, steps)], dim=1
    )
    tokens = torch.zeros(count, steps, dtype=torch.long, device=device)
    lengths = torch.full((count,), steps, device=device)
    finished = torch.zeros(count, dtype=torch.bool, device=device)
    end = torch.tensor(ends, device=device)
    rows = torch.arange(count, device=device)  # the rows still in the cache
    between()
    logits, cache = first_logits(model, prompts, prompt_mask, sampling.samples)
    for step in range(steps):
        chosen = choose_tokens(logits, sampling, uniform[step, rows])
        tokens[rows, step] = chosen
        ended = torch.isin(chosen, end)
        lengths[rows[ended]], finished[rows[ended]] = step + 1, True
        if bool(ended.any()):
            rows, chosen = rows[~ended], chosen[~ended]
            cache.reorder_cache((~ended).nonzero().squeeze(-1))
        if step + 1 == steps or not len(rows):
            break
        between()
        logits = next_logits(model, chosen, mask[rows, : prompts.shape[1] + step + 1], cache)
    return tokens, lengths, finished


def first_logits(model: Any, prompts: Tensor, mask: Tensor, samples: int) -> tuple[Tensor, Any]:
    """Logits (B, V) of the first tokens and the cache, both repeated for the samples of a prompt.

    ``reorder_cache`` takes rows in any order and number, and is what every kind of cache has.
    """
    output = run_trunk(model, prompts, mask, positions_from_mask(mask), keep=True)
    logits = head_logits(model, output.states[:, -1])
    if samples > 1:
        rows = torch.arange(len(prompts), device=prompts.device)
        output.cache.reorder_cache(rows.repeat_interleave(samples))
    return logits.repeat_interleave(samples, dim=0), output.cache


def next_logits(model: Any, chosen: Tensor, mask: Tensor, cache: Any) -> Tensor:
    """Logits (N, V) after the tokens ``chosen`` (N,), which ``mask`` (N, T) covers; the cache grows."""
    positions = mask.sum(dim=-1, keepdim=True) - 1
    output = run_trunk(model, chosen[:, None], mask, positions, cache=cache, keep=True)
    return head_logits(model, output.states[:, -1])


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """In training mode with gradient checkpointing the architectures drop their cache."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)


def _check_room(model: Any, prompt_ids: Sequence[Sequence[int]], sampling: SamplingSettings) -> None:
    longest, room = max(map(len, prompt_ids)), context_length(model)
    if longest + sampling.max_new_tokens > room:
        raise BadInput(
            f"a prompt of {longest} tokens and max_new_tokens {sampling.max_new_tokens} do not fit the "
            f"policy's context of {room}: lower max_new_tokens or max_prompt_tokens"
        )
