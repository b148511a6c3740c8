"""Means with intervals, by drawing prompts again: what is judged or answered of one prompt is not independent (R10)."""

from collections.abc import Hashable, Sequence
from typing import TypedDict

import torch
from torch import Tensor

# Numbers drawn at a time: bounds the memory, not the result
_DRAWN_AT_ONCE = 4_000_000


class Mean(TypedDict):
    """A mean as reports hold it: ``interval`` is [low, high], ``count`` how many values it is of."""

    value: float
    interval: list[float]
    count: int
    prompts: int


def mean_by_prompt(
    prompts: Sequence[Hashable],
    values: Sequence[float],
    *,
    sizes: Sequence[float] | None = None,
    resamples: int,
) -> Mean | None:
    """The mean of ``values`` and its 95% percentile interval; None where there are no values.

    ``prompts`` says whose each value is. Where a value is a sum of several, ``sizes`` says of how many: the mean is the
    sum of ``values`` over that of ``sizes``, which are 1 each without. Prompts are drawn with replacement, with all
    their values (Efron and Tibshirani 1993, chapter 13); always the same draws.
    """
    if not values:
        return None
    numbers = {prompt: number for number, prompt in enumerate(dict.fromkeys(prompts))}
    places = torch.tensor([numbers[prompt] for prompt in prompts])
    totals = _sums(places, values, len(numbers))
    counts = _sums(places, sizes or [1.0] * len(values), len(numbers))
    ratios = _resample(totals, counts, resamples)
    low, high = torch.quantile(ratios, torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return {
        "value": float(totals.sum() / counts.sum()),
        "interval": [low, high],
        "count": len(values),
        "prompts": len(totals),
    }


def _sums(places: Tensor, values: Sequence[float], count: int) -> Tensor:
    """The sum of the values at each of ``count`` places, (count,) in float64."""
    zeros = torch.zeros(count, dtype=torch.float64)
    return zeros.index_add(0, places, torch.tensor(values, dtype=torch.float64))


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
