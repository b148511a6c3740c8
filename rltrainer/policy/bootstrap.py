"""Means with intervals, by drawing prompts again: answers to one prompt are not independent."""

from collections.abc import Sequence

import torch

Interval = dict[str, float]


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
