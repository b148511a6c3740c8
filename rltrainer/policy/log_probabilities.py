"""log pi(token | everything before it) of completions, with gradients and without (B, T, V).

The head is applied to the completion's positions only, in chunks; with gradients the logits of more than one
chunk are not kept but computed again in the backward pass. The temperature divides the logits in every
log-probability, so that they are those of the distribution that was sampled from.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from rltrainer.policy.forward import head_logits, positions_from_mask, run_trunk

# Logits alive at once, in numbers: 2**26 in float32 are 256 MiB.
LOGITS_AT_ONCE = 2**26


class TokenFigures(NamedTuple):
    """Of each completion token: ``log_probabilities`` (B, R) and the ``entropy`` (B, R), both in nats."""

    log_probabilities: Tensor
    entropy: Tensor


def completion_log_probabilities(
    model: Any, input_ids: Tensor, attention_mask: Tensor, completion_start: int, temperature: float
) -> Tensor:
    """log pi of the tokens from column ``completion_start`` on, (B, R) in float32, 0 where the mask is 0.

    ``input_ids`` and ``attention_mask`` are (B, T), prompts padded on the left; R = T - completion_start.
    """
    states = completion_states(model, input_ids, attention_mask, completion_start)
    real = attention_mask[:, completion_start:].bool()
    tokens = input_ids[:, completion_start:]
    return figures_from_states(model, states, tokens, real, temperature, entropy=False).log_probabilities


def completion_figures(
    model: Any, input_ids: Tensor, attention_mask: Tensor, completion_start: int, temperature: float
) -> TokenFigures:
    """As ``completion_log_probabilities``, with the entropy of the distribution each token was drawn from."""
    states = completion_states(model, input_ids, attention_mask, completion_start)
    real = attention_mask[:, completion_start:].bool()
    return figures_from_states(model, states, input_ids[:, completion_start:], real, temperature)


def completion_states(model: Any, input_ids: Tensor, attention_mask: Tensor, completion_start: int) -> Tensor:
    """The hidden states (B, R, d) that predict the tokens from column ``completion_start`` on."""
    if not 0 < completion_start < input_ids.shape[1] or input_ids.shape != attention_mask.shape:
        raise ValueError(
            f"input_ids {tuple(input_ids.shape)}, attention_mask {tuple(attention_mask.shape)} and "
            f"completion_start {completion_start} do not fit: there must be a prompt and a completion"
        )
    output = run_trunk(model, input_ids, attention_mask, positions_from_mask(attention_mask))
    return output.states[:, completion_start - 1 : -1]


def figures_from_states(
    model: Any, states: Tensor, tokens: Tensor, mask: Tensor, temperature: float, *, entropy: bool = True
) -> TokenFigures:
    """Figures of ``tokens`` (B, R) predicted by ``states`` (B, R, d), 0 where ``mask`` (B, R) is False.

    Without ``entropy`` that figure is 0 everywhere.
    """
    if temperature <= 0:
        raise ValueError(f"temperature {temperature}: the log-probabilities of greedy decoding do not exist")
    rows = max(1, LOGITS_AT_ONCE // model.get_output_embeddings().weight.shape[0])
    chunks = list(zip(_split(states[mask], rows), _split(tokens[mask], rows), strict=True))
    again = len(chunks) > 1 and torch.is_grad_enabled()
    figures = [_figures_of_chunk(model, *chunk, temperature, entropy, again) for chunk in chunks]
    logs, entropies = (torch.cat(parts) for parts in zip(*figures, strict=True))
    zeros = torch.zeros(mask.shape, dtype=logs.dtype, device=states.device)
    return TokenFigures(zeros.masked_scatter(mask, logs), zeros.masked_scatter(mask, entropies))


def _split(values: Tensor, rows: int) -> tuple[Tensor, ...]:
    return torch.split(values, rows)


def _figures_of_chunk(
    model: Any, states: Tensor, tokens: Tensor, temperature: float, entropy: bool, again: bool
) -> tuple[Tensor, Tensor]:
    """``again`` computes the logits a second time in the backward pass instead of keeping them."""
    if not again:
        return _figures(model, states, tokens, temperature, entropy)
    figures: tuple[Tensor, Tensor] = checkpoint(
        _figures, model, states, tokens, temperature, entropy, use_reentrant=False, preserve_rng_state=False
    )
    return figures


def _figures(
    model: Any, states: Tensor, tokens: Tensor, temperature: float, entropy: bool
) -> tuple[Tensor, Tensor]:
    """(N,) log-probabilities and entropies, in float32 whatever autocast says."""
    logits = head_logits(model, states) / temperature
    logs = torch.log_softmax(logits, dim=-1)
    chosen = logs.gather(-1, tokens[:, None]).squeeze(-1)
    return chosen, -(logs.exp() * logs).sum(dim=-1) if entropy else torch.zeros_like(chosen)
