"""The choice of the next token: temperature, top-k, top-p, and one uniform number a row."""

from dataclasses import dataclass

import torch
from torch import Tensor

from runs.folder.errors import BadInput, RunError


@dataclass(frozen=True)
class SamplingSettings:
    """How completions are drawn. PPO uses the temperature alone, so that its log-probabilities agree."""

    max_new_tokens: int = 64  # tokens, EOS included; two short sentences
    temperature: float = 1.0  # divides the logits; 0 is greedy. 1 is the policy itself
    top_k: int = 0  # keep the k likeliest tokens; 0 keeps all
    top_p: float = (
        1.0  # keep the likeliest tokens that hold this mass (Holtzman et al. 1904.09751); 1 keeps all
    )
    samples: int = 1  # completions a prompt

    def __post_init__(self) -> None:
        right = self.max_new_tokens > 0 and self.samples > 0 and self.temperature >= 0
        if not right or self.top_k < 0 or not 0 < self.top_p <= 1:
            raise BadInput(
                f"{self}: max_new_tokens and samples are at least 1, temperature and top_k at least 0, "
                "and top_p is above 0 and at most 1"
            )


def choose_tokens(logits: Tensor, settings: SamplingSettings, uniform: Tensor) -> Tensor:
    """The next token of each row, (N,), from ``logits`` (N, V) and ``uniform`` (N,) in [0, 1).

    One uniform number a row, through the inverse of the cumulative distribution: a row's choice depends on no
    other row. Float64, because at V = 150,000 the sums of float32 lose the rare tokens.
    """
    if settings.temperature == 0:
        return logits.argmax(dim=-1)
    probabilities = torch.softmax(logits.double() / settings.temperature, dim=-1)
    cumulative = _keep_likeliest(probabilities, settings).cumsum(dim=-1)
    total = cumulative[:, -1:]
    if not bool(torch.isfinite(total).all()):
        raise RunError(
            "the policy's logits are not finite: its weights are broken, start from an earlier version"
        )
    chosen = torch.searchsorted(cumulative, uniform[:, None].to(cumulative) * total, right=True)
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
