"""The mean loss of some rankings and its gradient, in as many forward passes as memory asks for."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from lm.devices import autocast
from lm.ranks import ALONE, Ranks
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
class RankingLoss:
    """Everything that turns rankings into a loss but the rankings."""

    network: RewardNetwork
    tie_parameter: Tensor
    objective: Objective
    share: bool
    row_limit: int
    micro_batch_tokens: int
    pad_id: int

    def parameters(self) -> Iterator[Tensor]:
        """The network's weights and the tie parameter."""
        yield from self.network.parameters()
        yield self.tie_parameter


def accumulate_gradient(
    loss: RankingLoss,
    examples: Sequence[Example],
    *,
    between: Callable[[], None] = lambda: None,
    ranks: Ranks = ALONE,
) -> Figures:
    """Add the gradient of the mean loss of ``examples`` to the parameters; the figures are from before the step.

    Each part is divided by the weight of all rankings of the step, so neither its cut nor the number of processes that
    share it changes anything. ``between`` is called before each forward and each backward pass.
    """
    parts, total = [], sum(example.weight for example in examples)
    for part in _parts(loss, examples, ranks):
        between()
        figures, share = _forward(loss, part, total)
        between()
        torch.autograd.backward(share)
        parts.append(figures)
    ranks.sum_gradients(value for value in loss.parameters() if value.requires_grad)
    return _total(parts, ranks)


@torch.no_grad()
def mean_loss(
    loss: RankingLoss, examples: Sequence[Example], *, between: Callable[[], None], ranks: Ranks = ALONE
) -> Figures:
    """The figures of ``examples`` without learning. ``between`` is called before each forward pass."""
    parts, total = [], sum(example.weight for example in examples)
    for part in _parts(loss, examples, ranks):
        between()
        parts.append(_forward(loss, part, total)[0])
    return _total(parts, ranks)


def _forward(loss: RankingLoss, part: Sequence[Example], total: float) -> tuple[Figures, Tensor]:
    """The figures of ``part``, its loss being its share of a mean over the weight ``total``; and that share."""
    device = loss.network.head.weight.device
    rows = [row for encoded in different(part) for row in _rows(loss, encoded)]
    batch = collate(rows, share=loss.share, pad_id=loss.pad_id, device=device)
    with autocast(device):
        scores = loss.network(batch)
    pairs = index_pairs(part, loss.objective.ties, device)
    losses = ranking_losses(scores, pairs, len(part), loss.objective, loss.tie_parameter)
    share = (
        losses @ torch.tensor([example.weight for example in part], dtype=losses.dtype, device=device) / total
    )
    differences = (scores[pairs.first] - scores[pairs.second])[~pairs.tied].detach()
    right = float((differences > 0).sum() + 0.5 * (differences == 0).sum())
    return Figures(float(share.detach()), right, len(differences)), share


def _parts(loss: RankingLoss, examples: Sequence[Example], ranks: Ranks) -> Iterator[list[Example]]:
    """This process's share of ``examples`` in as many forward passes as memory asks for.

    Those of one task are in one pass of one process, and scored once.
    """
    tasks: dict[int, list[Example]] = {}
    for example in examples:
        tasks.setdefault(id(example.encoded), []).append(example)
    for part in by_length(
        ranks.share(list(tasks.values())), lambda task: _rows(loss, task[0].encoded), loss.micro_batch_tokens
    ):
        yield [example for task in part for example in task]


def _rows(loss: RankingLoss, encoded: Encoded) -> list[Row]:
    return rows_of(encoded, share=loss.share, limit=loss.row_limit)


def _total(parts: Sequence[Figures], ranks: Ranks) -> Figures:
    loss, right, pairs = ranks.total(
        math.fsum(part.loss for part in parts),
        sum(part.right for part in parts),
        sum(part.pairs for part in parts),
    )
    return Figures(loss, right, int(pairs))
