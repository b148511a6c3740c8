"""Which rankings make a step, and how a step is cut into forward passes."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from rewardmodel.bradley_terry.encoding import Row

T = TypeVar("T")


def plan_epoch(tasks: Sequence[Sequence[int]], batch: int, *, seed: int, epoch: int) -> list[list[int]]:
    """Rankings, by number, in a random order of their ``tasks``, in steps of about ``batch``, even to one task.

    The rankings of a task stay together: their completions are encoded once a step (InstructGPT 2203.02155, section
    3.5, learns all comparisons of a prompt in one). A function of the seed and the epoch alone. Even steps, because a
    last step of one ranking would move the weights as far as a whole one.
    """
    # Neighbouring seeds of torch's generator give unrelated orders; the factor keeps (seed, epoch) pairs apart
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    order = torch.randperm(len(tasks), generator=generator)
    steps = min(len(tasks), max(1, -(-sum(map(len, tasks)) // batch)))
    return [
        [ranking for task in part.tolist() for ranking in tasks[task]]
        for part in torch.tensor_split(order, steps)
    ]


def by_length(groups: Sequence[T], rows: Callable[[T], Sequence[Row]], budget: int) -> list[list[T]]:
    """``groups`` sorted by their longest row, in lists whose rows, padded, have at most ``budget`` tokens.

    Sorted, because padding is computed like any other token. A group alone may exceed the budget.
    """
    parts: list[list[T]] = []
    count = 0
    for group in sorted(groups, key=lambda group: max(row.length for row in rows(group))):
        rows_of_group = rows(group)
        count += len(rows_of_group)
        if parts and count * max(row.length for row in rows_of_group) <= budget:
            parts[-1].append(group)
        else:
            parts.append([group])
            count = len(rows_of_group)
    return parts
