"""Estimators of KL(pi || pi_ref) from samples of pi, and the controllers that hold the coefficient beta.

With r = log pi(y) - log pi_ref(y) of a token drawn from pi (Schulman, "Approximating KL Divergence", 2020):

    k1 = r                unbiased, may be negative        k2 = r^2 / 2     biased, never negative
    k3 = exp(-r) - 1 + r  unbiased, never negative
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Divergence(NamedTuple):
    """Mean over completions of the sum over tokens of each estimator, in nats."""

    k1: float
    k2: float
    k3: float


def clamped_log_ratio(log_probs: Tensor, reference: Tensor, clamp: float) -> Tensor:
    """log pi - log pi_ref a token, within +-``clamp``; shapes (B, R) in and out."""
    return (log_probs - reference).clamp(-clamp, clamp)


def k1(log_ratio: Tensor) -> Tensor:
    """r; shape kept."""
    return log_ratio


def k2(log_ratio: Tensor) -> Tensor:
    """r^2 / 2; shape kept."""
    return log_ratio.square() / 2


def k3(log_ratio: Tensor) -> Tensor:
    """exp(-r) - 1 + r; shape kept. The caller has clamped r: exp overflows float32 at 89."""
    return torch.expm1(-log_ratio) + log_ratio


def divergence(log_ratio: Tensor, mask: Tensor) -> Divergence:
    """The three estimators of ``log_ratio`` (B, R) where ``mask`` (B, R) is True; pads never count."""
    sums = [(estimator(log_ratio.double()) * mask).sum(dim=1).mean() for estimator in (k1, k2, k3)]
    return Divergence(*(float(value) for value in sums))


def adapted_beta(beta: float, *, kl: float, target: float, episodes: int, horizon: int) -> float:
    """beta (1 + clip(kl / target - 1, +-0.2) episodes / horizon) (Ziegler et al. 1909.08593, section 2.2).

    A rollout of more episodes than the horizon counts as one of as many: a fifth is the most that beta moves at once,
    and it never turns negative, which would reward the policy for leaving the reference.
    """
    error = min(max(kl / target - 1, -0.2), 0.2)
    return beta * (1 + error * min(1.0, episodes / horizon))
