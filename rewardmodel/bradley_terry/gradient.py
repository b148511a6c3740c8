"""The mean loss of some rankings and its gradient, in as many forward passes as memory asks for."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from lm.devices import autocast
from rewardmodel.bradley_terry.batches import by_length
from rewardmodel.bradley_terry.encoding import Encoded, Row, rows_of
from rewardmodel.bradley_terry.network import RewardNetwork
from rewardmodel.bradley_terry.objective import Example, Objective, different, index_pairs, ranking_losses
from rewardmodel.bradley_terry.packing import collate


class Figures(NamedTuple):
    """``loss``, the weighted mean over rankings, in nats; ``right`` of ``pairs`` strict pairs scored in their order."""

    loss: float
    right: float
    pairs: int

    @property
    def accuracy(self) -> float | None:
        return self.right / self.pairs if self.pairs else None


@dataclass(frozen=True)
class Measure:
    """Everything that turns rankings into a loss but the rankings."""

    network: RewardNetwork
    tie_parameter: Tensor
    objective: Objective
    share: bool
    row_limit: int
    micro_batch_tokens: int
    pad_id: int


def accumulate_gradient(measure: Measure, examples: Sequence[Example]) -> Figures:
    """Add the gradient of the mean loss of ``examples`` to the parameters; the figures are from before the step.

    Each part is divided by the weight of all rankings of the step, so how it is cut changes nothing.
    """
    parts, total = [], sum(each.weight for each in examples)
    for part in _parts(measure, examples):
        figures, share = _forward(measure, part, total)
        torch.autograd.backward(share)
        parts.append(figures)
    return _total(parts)


@torch.no_grad()
def mean_loss(measure: Measure, examples: Sequence[Example], *, between: Callable[[], None]) -> Figures:
    """The figures of ``examples`` without learning. ``between`` is called before each forward pass."""
    parts, total = [], sum(each.weight for each in examples)
    for part in _parts(measure, examples):
        between()
        parts.append(_forward(measure, part, total)[0])
    return _total(parts)


def _forward(measure: Measure, part: Sequence[Example], total: float) -> tuple[Figures, Tensor]:
    """The figures of ``part``, its loss being its share of a mean over the weight ``total``; and that share."""
    device = measure.network.head.weight.device
    rows = [row for encoded in different(part) for row in _rows(measure, encoded)]
    batch = collate(rows, share=measure.share, pad_id=measure.pad_id, device=device)
    with autocast(device):
        scores = measure.network(batch)
    pairs = index_pairs(part, measure.objective.ties, device)
    losses = ranking_losses(scores, pairs, len(part), measure.objective, measure.tie_parameter)
    share = losses @ torch.tensor([each.weight for each in part], device=device) / total
    differences = (scores[pairs.first] - scores[pairs.second])[~pairs.tied].detach()
    right = float((differences > 0).sum() + 0.5 * (differences == 0).sum())
    return Figures(float(share.detach()), right, len(differences)), share


def _parts(measure: Measure, examples: Sequence[Example]) -> Iterator[list[Example]]:
    """``examples`` in as many forward passes as memory asks for; those of one task are in one, and scored once."""
    tasks: dict[int, list[Example]] = {}
    for example in examples:
        tasks.setdefault(id(example.encoded), []).append(example)
    for part in by_length(
        list(tasks.values()), lambda task: _rows(measure, task[0].encoded), measure.micro_batch_tokens
    ):
        yield [example for task in part for example in task]


def _rows(measure: Measure, encoded: Encoded) -> list[Row]:
    return rows_of(encoded, share=measure.share, limit=measure.row_limit)


def _total(parts: Sequence[Figures]) -> Figures:
    return Figures(
        math.fsum(part.loss for part in parts),
        sum(part.right for part in parts),
        sum(part.pairs for part in parts),
    )
