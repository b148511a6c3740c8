"""Epochs x minibatches of optimizer steps on one rollout.

A minibatch is one optimizer step, whatever it is cut into for memory: each part's sums are divided by the token
count of the whole minibatch, so the cut changes nothing (P11).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import torch
from torch import Tensor

from lm.devices import autocast
from lm.ranks import ALONE, Ranks
from lm.training import clip_gradients
from rltrainer.policy.log_probabilities import TokenFigures, completion_figures, completion_log_probabilities
from rltrainer.ppo.learner import Learner
from rltrainer.ppo.losses import PolicyLoss, ppo_policy_loss, reinforce_loss, value_loss
from rltrainer.ppo.rollout import MicroBatch, Rollout, micro_batches
from rltrainer.ppo.targets import Targets
from runs.folder.errors import RunError

# |log pi - log pi_old| of a token before the first optimizer step: rounding, since batches are cut differently.
SAME_IN_FLOAT32 = 1e-3
SAME_IN_BFLOAT16 = 0.25


class RowsNotFinite(RunError):
    """A loss, gradient or score is NaN or infinite. It is of ``rows`` of the rollout; nothing was learnt of them."""

    def __init__(self, what: str, rows: list[int]) -> None:
        super().__init__(what)
        self.rows = rows


class ForwardDiffers(RunError):
    """The same weights gave the same tokens two probabilities: dropout is on, or a layer is not a function."""


@dataclass
class Sums:
    """Sums over the tokens of a minibatch, or of all of them; ``largest`` is the largest |log-ratio| to old."""

    tokens: int = 0
    policy_loss: float = 0.0
    value_loss: float = 0.0
    clipped: float = 0.0
    ratio: float = 0.0
    kl: float = 0.0
    largest: float = 0.0

    def add(self, other: "Sums") -> None:
        """Take in ``other``."""
        for field in fields(self):
            ours, theirs = getattr(self, field.name), getattr(other, field.name)
            setattr(self, field.name, max(ours, theirs) if field.name == "largest" else ours + theirs)

    def over(self, ranks: Ranks) -> "Sums":
        """The same of all processes together."""
        summed = [field.name for field in fields(self) if field.name != "largest"]
        totals = dict(zip(summed, ranks.total(*(getattr(self, name) for name in summed)), strict=True))
        tokens = int(totals.pop("tokens"))
        return Sums(tokens=tokens, largest=ranks.largest(self.largest), **totals)


class Updated(NamedTuple):
    """Means a token over all minibatches; ``update_kl`` is k3 of old to new policy in the last one, before its step."""

    policy_loss: float
    value_loss: float
    clip_fraction: float
    ratio: float
    update_kl: float
    gradient_norm: float
    value_gradient_norm: float
    optimizer_steps: int


def update(
    learner: Learner,
    rollout: Rollout,
    targets: Targets,
    generator: torch.Generator,
    *,
    between: Callable[[], None] = lambda: None,
    before_change: Callable[[], None] = lambda: None,
    ranks: Ranks = ALONE,
) -> Updated:
    """Learn from ``rollout``: ``config.epochs`` passes over ``config.minibatches`` minibatches, in random order.

    ``between`` is called before each forward and each backward pass, and ``before_change`` before each optimizer step.
    An update ends early, before the next step, where the policy is ``update_kl_limit`` nats a token from the old one.
    Raises ForwardDiffers (P10) and RowsNotFinite (P16).
    """
    config, total, norms, kl = learner.config, Sums(), list[tuple[float, float]](), 0.0
    for rows in _plan(len(rollout.scores), config.epochs, config.minibatches, generator):
        sums = accumulate_gradient(learner, rollout, targets, rows, between=between, ranks=ranks)
        kl = sums.kl / sums.tokens
        if not norms:
            _check_same(learner, sums.largest)
        elif config.update_kl_limit is not None and kl > config.update_kl_limit:
            break
        norms.append(_step(learner, sums, rows, before_change))
        total.add(sums)
    tokens, steps = total.tokens, len(norms)
    return Updated(
        policy_loss=total.policy_loss / tokens,
        value_loss=total.value_loss / tokens,
        clip_fraction=total.clipped / tokens,
        ratio=total.ratio / tokens,
        update_kl=kl,
        gradient_norm=math.fsum(norm for norm, _ in norms) / steps,
        value_gradient_norm=math.fsum(norm for _, norm in norms) / steps,
        optimizer_steps=steps,
    )


def accumulate_gradient(
    learner: Learner,
    rollout: Rollout,
    targets: Targets,
    rows: Sequence[int],
    *,
    between: Callable[[], None] = lambda: None,
    ranks: Ranks = ALONE,
) -> Sums:
    """Set the gradients to those of the mean loss a token of ``rows``; the figures are from before the step.

    Several processes share the rows; gradients and figures are those of all of them.
    """
    learner.policy_optimizer.zero_grad(set_to_none=True)
    if learner.value_optimizer is not None:
        learner.value_optimizer.zero_grad(set_to_none=True)
    tokens, sums = int(rollout.mask[list(rows)].sum()), Sums()
    budget = learner.config.micro_batch_tokens
    share = ranks.share(rows)
    for part in micro_batches(rollout.attention_mask, rollout.completion_start, share, budget):
        between()
        loss, counted = _forward(learner, rollout, targets, part, between)
        between()  # a backward pass is two thirds of the time
        torch.autograd.backward(loss / tokens)
        sums.add(counted)
    ranks.sum_gradients([*learner.policy_parameters.values(), *learner.value_parameters.values()])
    return sums.over(ranks)


def _plan(count: int, epochs: int, minibatches: int, generator: torch.Generator) -> list[list[int]]:
    """The rows of each minibatch of all epochs; each row once an epoch, the sizes at most one apart."""
    plan = []
    for _ in range(epochs):
        order = torch.randperm(count, generator=generator)
        plan += [rows.tolist() for rows in torch.tensor_split(order, minibatches)]
    return plan


def _forward(
    learner: Learner, rollout: Rollout, targets: Targets, part: MicroBatch, between: Callable[[], None]
) -> tuple[Tensor, Sums]:
    """The loss of ``part``, a sum over its tokens, and what is counted beside it."""
    config, mask = learner.config, part.cut_completions(rollout.mask)
    old, advantages = part.cut_completions(rollout.log_probs), part.cut_completions(targets.advantages)
    figures = _policy_figures(learner, rollout, part)
    new = figures.log_probabilities
    if config.algorithm == "reinforce":
        policy_loss = reinforce_loss(new, old, advantages, mask)
    else:
        policy_loss = ppo_policy_loss(new, old, advantages, mask, config.clip)
    loss = policy_loss.loss
    if config.entropy_coefficient:
        loss = loss - config.entropy_coefficient * (figures.entropy * mask).sum()
    between()
    of_value = _value_loss(learner, rollout, targets, part)
    if of_value is not None:
        loss = loss + of_value  # its parameters, optimizer and clip are its own
    return loss, _sums(policy_loss, of_value, ((new.detach() - old) * mask).abs().max(), mask)


def _policy_figures(learner: Learner, rollout: Rollout, part: MicroBatch) -> TokenFigures:
    """With the entropy only where the loss has it: its graph is as large as the logits."""
    inputs = part.cut(rollout.sequences), part.cut(rollout.attention_mask), part.start
    model, config = learner.policy.model, learner.config
    with autocast(model.device):
        if config.entropy_coefficient:
            return completion_figures(model, *inputs, config.temperature)
        logs = completion_log_probabilities(model, *inputs, config.temperature)
    return TokenFigures(logs, torch.zeros_like(logs))


def _value_loss(learner: Learner, rollout: Rollout, targets: Targets, part: MicroBatch) -> Tensor | None:
    if learner.value is None:
        return None
    inputs = part.cut(rollout.sequences), part.cut(rollout.attention_mask), part.start
    with autocast(learner.policy.model.device):
        values = learner.value(*inputs)
    old, returns = part.cut_completions(rollout.values), part.cut_completions(targets.returns)
    return value_loss(values, old, returns, part.cut_completions(rollout.mask), learner.config.value_clip)


def _sums(policy_loss: PolicyLoss, of_value: Tensor | None, largest: Tensor, mask: Tensor) -> Sums:
    return Sums(
        tokens=int(mask.sum()),
        policy_loss=float(policy_loss.loss.detach()),
        value_loss=float(of_value.detach()) if of_value is not None else 0.0,
        clipped=float(policy_loss.clipped),
        ratio=float(policy_loss.ratio),
        kl=float(policy_loss.kl),
        largest=float(largest),
    )


def _check_same(learner: Learner, largest: float) -> None:
    """The ratio is 1 before the first step (P10)."""
    on_gpu = learner.policy.model.device.type == "cuda"
    limit = SAME_IN_BFLOAT16 if on_gpu else SAME_IN_FLOAT32
    if largest > limit:  # NaN is no larger: it is found as a loss that is not finite
        raise ForwardDiffers(
            f"before the first step of an update, log-probabilities differ from the rollout's by {largest:.2g} "
            f"(at most {limit:.2g}): the policy's forward pass is not a function of the text. Use another base"
        )


def _step(
    learner: Learner, sums: Sums, rows: list[int], before_change: Callable[[], None]
) -> tuple[float, float]:
    """One step of each optimizer; the norms of their gradients before clipping. Refuses what is not finite."""
    limit = learner.config.max_grad_norm
    norms = (
        clip_gradients(learner.policy_parameters, limit),
        clip_gradients(learner.value_parameters, limit),
    )
    loss = sums.policy_loss + sums.value_loss
    if not all(map(math.isfinite, (loss, *norms))):
        raise RowsNotFinite(f"the loss is {loss}, the gradients' norms are {norms[0]} and {norms[1]}", rows)
    before_change()
    learner.policy_optimizer.step()
    if learner.value_optimizer is not None:
        learner.value_optimizer.step()
    return norms
