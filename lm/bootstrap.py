"""Means with intervals, by drawing prompts again: what is judged or answered of one prompt is not independent (R10)."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

Interval = dict[str, float]
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


def interval(totals: Sequence[float], counts: Sequence[float], *, resamples: int, seed: int = 0) -> Interval:
    """``mean`` = sum of ``totals`` / sum of ``counts``, and its 95% percentile interval ``low``, ``high``.

    One entry a prompt: the sum of a figure over its answers (or tokens), and how many those are. Prompts are
    drawn with replacement (Efron and Tibshirani 1993, chapter 13).
    """
    values = torch.tensor([totals, counts], dtype=torch.float64)
    generator = torch.Generator().manual_seed(seed)
    ratios = torch.empty(resamples, dtype=torch.float64)
    for index in range(resamples):
        drawn = torch.randint(values.shape[1], (values.shape[1],), generator=generator)
        total, count = values[:, drawn].sum(dim=1)
        ratios[index] = total / count
    low, high = torch.quantile(ratios, torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return {"mean": float(values[0].sum() / values[1].sum()), "low": low, "high": high}


def _by_prompt(prompts: Sequence[str], values: Sequence[float]) -> tuple[Tensor, Tensor]:
    """The sum of the values of each prompt and how many they are, (prompts,) each in float64."""
    numbers = {prompt: number for number, prompt in enumerate(dict.fromkeys(prompts))}
    index = torch.tensor([numbers[prompt] for prompt in prompts])
    zeros = torch.zeros(len(numbers), dtype=torch.float64)
    summands = torch.tensor(values, dtype=torch.float64)
    return zeros.index_add(0, index, summands), zeros.index_add(0, index, torch.ones_like(summands))


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
