"""Means with intervals, by drawing prompts again: judgements of one prompt are not independent (R10)."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

# Numbers drawn at a time: bounds the memory, not the result
_DRAWN_AT_ONCE = 4_000_000


def mean_by_prompt(
    prompts: Sequence[str], values: Sequence[float], *, resamples: int
) -> dict[str, Any] | None:
    """The mean of ``values`` and its 95% percentile interval; ``prompts`` says whose each value is.

    ``{"value", "interval": [low, high], "pairs", "prompts"}``, or None where there are no values. Prompts are
    drawn with replacement, with all their values (Efron and Tibshirani 1993, chapter 13); always the same draws.
    """
    if not values:
        return None
    totals, counts = _by_prompt(prompts, values)
    ratios = _resample(totals, counts, resamples)
    low, high = torch.quantile(ratios, torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return {
        "value": float(totals.sum() / counts.sum()),
        "interval": [low, high],
        "pairs": len(values),
        "prompts": len(totals),
    }


def _by_prompt(prompts: Sequence[str], values: Sequence[float]) -> tuple[Tensor, Tensor]:
    """The sum of the values of each prompt and how many they are, (prompts,) each in float64."""
    numbers = {prompt: number for number, prompt in enumerate(dict.fromkeys(prompts))}
    index = torch.tensor([numbers[prompt] for prompt in prompts])
    zeros = torch.zeros(len(numbers), dtype=torch.float64)
    given = torch.tensor(values, dtype=torch.float64)
    return zeros.index_add(0, index, given), zeros.index_add(0, index, torch.ones_like(given))


def _resample(totals: Tensor, counts: Tensor, resamples: int) -> Tensor:
    """The ratio of each of ``resamples`` draws, (resamples,)."""
    generator = torch.Generator().manual_seed(0)
    size = len(totals)
    ratios = []
    at_once = max(1, _DRAWN_AT_ONCE // size)
    for first in range(0, resamples, at_once):
        shape = (min(at_once, resamples - first), size)
        drawn = torch.randint(size, shape, generator=generator)
        ratios.append(totals[drawn].sum(dim=1) / counts[drawn].sum(dim=1))
    return torch.cat(ratios)
