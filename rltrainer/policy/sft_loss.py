"""The SFT loss: the mean over completion tokens of -log pi, whatever the batch is cut into."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from lm.devices import autocast
from lm.ranks import ALONE, Ranks
from rltrainer.policy.demonstrations import Batch, Example, collate, fill
from rltrainer.policy.forward import positions_from_mask, run_trunk
from rltrainer.policy.log_probabilities import figures_from_states


def negative_log_likelihoods(model: Any, batch: Batch) -> Tensor:
    """Of each row the sum over its targets of -log pi(token | before it), in nats, (B,) in float32."""
    states = run_trunk(model, batch.ids, batch.mask, positions_from_mask(batch.mask)).states
    figures = figures_from_states(model, states[:, :-1], batch.ids[:, 1:], batch.targets, 1.0, entropy=False)
    return -figures.log_probabilities.sum(dim=1)


def accumulate_gradient(
    model: Any,
    examples: Sequence[Example],
    pad_id: int,
    *,
    micro_batch_tokens: int,
    device: torch.device,
    between: Callable[[], None] = lambda: None,
    ranks: Ranks = ALONE,
) -> float:
    """Add the gradient of the mean loss of ``examples`` to the parameters, and return that loss in nats a token.

    Every part is divided by the number of targets of the whole batch, so neither its cut nor the number of processes
    that share it changes anything. ``between`` is called before each forward and each backward pass.
    """
    total = sum(map(targets_of, examples))
    loss = 0.0
    parts = micro_batches(ranks.share(examples), micro_batch_tokens)
    for losses in _forward_passes(model, parts, pad_id, device, between):
        share = losses.sum() / total
        between()
        torch.autograd.backward(share)
        loss += float(share.detach())
    ranks.sum_gradients(value for value in model.parameters() if value.requires_grad)
    return ranks.total(loss)[0]


@torch.no_grad()
def row_losses(
    model: Any,
    examples: Sequence[Example],
    pad_id: int,
    *,
    micro_batch_tokens: int,
    device: torch.device,
    between: Callable[[], None] = lambda: None,
) -> list[float]:
    """-log pi of each example's completion and EOS, in nats. ``between`` is called before each forward pass."""
    order = sorted(range(len(examples)), key=lambda row: len(examples[row].ids))
    parts = micro_batches([examples[row] for row in order], micro_batch_tokens)
    passes = _forward_passes(model, parts, pad_id, device, between)
    by_length = [loss for losses in passes for loss in losses.tolist()]
    return [loss for _, loss in sorted(zip(order, by_length, strict=True))]


def _forward_passes(
    model: Any,
    parts: Iterable[Sequence[Example]],
    pad_id: int,
    device: torch.device,
    between: Callable[[], None],
) -> Iterator[Tensor]:
    """The ``negative_log_likelihoods`` of each part."""
    for part in parts:
        between()
        with autocast(device):
            losses = negative_log_likelihoods(model, collate(part, pad_id, device))
        yield losses


def targets_of(example: Example) -> int:
    """How many tokens of ``example`` are learnt: its completion and EOS."""
    return len(example.ids) - example.start


def micro_batches(examples: Sequence[Example], budget: int) -> list[list[Example]]:
    """``examples`` in their order, in groups of at most ``budget`` tokens with padding."""
    groups = fill(range(len(examples)), lambda row: len(examples[row].ids), budget)
    return [[examples[row] for row in group] for group in groups]
