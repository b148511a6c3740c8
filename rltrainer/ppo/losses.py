"""Losses as sums over tokens: the caller divides by the minibatch's token count (P11), whatever the micro-batches."""

from typing import NamedTuple

import torch
from torch import Tensor

# |log-ratio| of new to old policy at most: exp stays finite.
LOG_RATIO_CLAMP = 20.0


class PolicyLoss(NamedTuple):
    """``loss``: the sum over tokens. The rest are sums over tokens too, without gradients, for the metrics."""

    loss: Tensor
    clipped: Tensor
    ratio: Tensor
    kl: Tensor


def ppo_policy_loss(
    log_probs: Tensor, old: Tensor, advantages: Tensor, mask: Tensor, clip: float
) -> PolicyLoss:
    """-sum min(rho A, clip(rho, 1-eps, 1+eps) A), rho = pi / pi_old (Schulman et al. 1707.06347, eq. 7).

    All (B, R). ``clipped`` counts the tokens where the clipped term is the smaller; ``kl`` is k3 of old to new.
    """
    log_ratio = ((log_probs - old) * mask).clamp(-LOG_RATIO_CLAMP, LOG_RATIO_CLAMP)
    ratio = log_ratio.exp()
    plain = -advantages * ratio
    limited = -advantages * ratio.clamp(1 - clip, 1 + clip)
    loss = (torch.maximum(plain, limited) * mask).sum()
    with torch.no_grad():
        clipped = ((limited > plain) & mask).sum()
        # k3 of KL(old || new) with samples of old: exp(log new/old) - 1 - log new/old.
        kl = ((torch.expm1(log_ratio) - log_ratio) * mask).sum()
        return PolicyLoss(loss, clipped, (ratio.detach() * mask).sum(), kl)


def reinforce_loss(log_probs: Tensor, old: Tensor, advantages: Tensor, mask: Tensor) -> PolicyLoss:
    """-sum A log pi (Williams 1992): its gradient is the policy gradient while pi is what was sampled. All (B, R)."""
    loss = -(advantages * log_probs * mask).sum()
    with torch.no_grad():
        log_ratio = ((log_probs - old) * mask).clamp(-LOG_RATIO_CLAMP, LOG_RATIO_CLAMP)
        kl = ((torch.expm1(log_ratio) - log_ratio) * mask).sum()
        return PolicyLoss(loss, torch.zeros_like(loss), (log_ratio.exp() * mask).sum(), kl)


def value_loss(values: Tensor, old: Tensor, returns: Tensor, mask: Tensor, clip: float) -> Tensor:
    """sum 1/2 max((V - G)^2, (clip(V, old +- eps) - G)^2) over real tokens; all (B, R) (Ziegler et al. 1909.08593)."""
    limited = torch.minimum(torch.maximum(values, old - clip), old + clip)
    worse = torch.maximum((values - returns).square(), (limited - returns).square())
    return 0.5 * (worse * mask).sum()


def explained_variance(values: Tensor, returns: Tensor, mask: Tensor) -> float:
    """1 - Var(G - V) / Var(G) over real tokens: 1 is a perfect value network, 0 one that says the mean."""
    target, error = returns[mask].double(), (returns - values)[mask].double()
    spread = float(target.var(correction=0))
    return 1.0 - float(error.var(correction=0)) / spread if spread > 0 else 0.0
