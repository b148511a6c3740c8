"""The choice of the next token: temperature, top-k, top-p, and one uniform number a row."""

import torch
from torch import Tensor

from rltrainer.policy.config import SamplingSettings
from runs.folder.errors import RunError


def choose_tokens(logits: Tensor, settings: SamplingSettings, uniform: Tensor) -> Tensor:
    """The next token of each row, (N,), from ``logits`` (N, V) and ``uniform`` (N,) in [0, 1).

    One uniform number a row, through the inverse of the cumulative distribution: a row's choice depends on no
    other row. Float64, because at V = 150,000 the sums of float32 lose the rare tokens.
    """
    if not bool(torch.isfinite(logits.amax(dim=-1)).all()):  # the maximum of a row with a NaN is NaN
        raise RunError(
            "the policy's logits are not finite: its weights are broken, start from an earlier version"
        )
    if settings.temperature == 0:
        return logits.argmax(dim=-1)
    probabilities = torch.softmax(logits.double() / settings.temperature, dim=-1)
    cumulative = _keep_likeliest(probabilities, settings).cumsum(dim=-1)
    targets = uniform[:, None].to(cumulative) * cumulative[:, -1:]
    chosen = torch.searchsorted(cumulative, targets, right=True)
    return chosen.squeeze(-1).clamp(max=logits.shape[-1] - 1)


def _keep_likeliest(probabilities: Tensor, settings: SamplingSettings) -> Tensor:
    """``probabilities`` (N, V) with 0 for what top-k and then top-p leave out; not normalised again."""
    size = probabilities.shape[-1]
    if settings.top_k in range(1, size):
        least = probabilities.topk(settings.top_k, dim=-1).values[:, -1:]
        probabilities = probabilities.masked_fill(probabilities < least, 0.0)
    if settings.top_p < 1:
        ordered, order = probabilities.sort(dim=-1, descending=True, stable=True)
        before = ordered.cumsum(dim=-1) - ordered  # the mass that is likelier than this token
        mass = settings.top_p * ordered.sum(dim=-1, keepdim=True)
        kept = ordered.masked_fill(before >= mass, 0.0)
        probabilities = torch.zeros_like(probabilities).scatter(-1, order, kept)
    return probabilities
