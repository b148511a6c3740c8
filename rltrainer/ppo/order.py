"""Which prompts a step asks, and the random numbers of a step: functions of seed and step alone.

So a run that goes on from a checkpoint draws what it would have drawn, and no generator's state is stored.
"""

import hashlib

import torch


def generator_of(purpose: str, seed: int, step: int) -> torch.Generator:
    """A CPU generator for one purpose of one step; those of two purposes, seeds or steps have nothing in common."""
    digest = hashlib.sha256(f"{purpose} {seed} {step}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def prompts_of_step(count: int, batch: int, *, seed: int, step: int) -> list[int]:
    """The numbers of the ``batch`` prompts that ``step``, from 0, asks: each of ``count`` once an epoch.

    The epochs, each in an order of its own, follow one another without a gap.
    """
    places = range(step * batch, (step + 1) * batch)
    orders = {epoch: _epoch_order(count, seed, epoch) for epoch in {place // count for place in places}}
    return [orders[place // count][place % count] for place in places]


def _epoch_order(count: int, seed: int, epoch: int) -> list[int]:
    order: list[int] = torch.randperm(count, generator=generator_of("prompts", seed, epoch)).tolist()
    return order
