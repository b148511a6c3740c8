"""Advantages: how much better a token, or a completion, was than expected."""

import torch
from torch import Tensor


def gae(rewards: Tensor, values: Tensor, mask: Tensor, *, gamma: float, lam: float) -> Tensor:
    """Generalised advantage estimates (B, R) (Schulman et al. 1506.02438, eq. 16); 0 on pads.

    delta_t = r_t + gamma V_{t+1} - V_t and A_t = delta_t + gamma lambda A_{t+1}; after a row's last real
    token nothing follows, so V and A are 0 there. ``values`` (B, R) are of the state before each token.
    """
    advantages = torch.zeros_like(rewards)
    following = torch.zeros_like(rewards[:, 0])
    next_value = torch.zeros_like(rewards[:, 0])
    for t in reversed(range(rewards.shape[1])):
        real = mask[:, t]
        delta = rewards[:, t] + gamma * next_value - values[:, t]
        following = torch.where(real, delta + gamma * lam * following, torch.zeros_like(delta))
        next_value = torch.where(real, values[:, t], torch.zeros_like(delta))
        advantages[:, t] = following
    return advantages


def whiten(advantages: Tensor, mask: Tensor) -> Tensor:
    """Mean 0 and deviation 1 over the real tokens of the whole rollout (P4); pads stay 0.

    The mean is taken away and not put back. One that is the same everywhere becomes 0.
    """
    # float64: a mean over thousands of tokens is taken away from each of them.
    real = advantages[mask].double()
    centred = real - real.mean()
    white = centred / (centred.square().mean().sqrt() + 1e-8)
    return torch.zeros_like(advantages).masked_scatter(mask, white.to(advantages.dtype))


def baseline_of(returns: Tensor, kind: str, samples: int) -> Tensor:
    """What each completion's return (B,) is compared with, (B,); the ``samples`` of a prompt lie side by side.

    "none": 0. "batch_mean": the mean of the rollout. "leave_one_out": the mean of the prompt's other samples
    (Kool et al. 2019): a sample's own return is not in it, so the gradient stays unbiased.
    """
    if kind == "none":
        return torch.zeros_like(returns)
    if kind == "batch_mean":
        return returns.mean().expand_as(returns)
    groups = returns.view(-1, samples)
    return ((groups.sum(dim=1, keepdim=True) - groups) / (samples - 1)).flatten()


def episode_advantages(rewards: Tensor, mask: Tensor, kind: str, samples: int) -> Tensor:
    """REINFORCE's advantages (B, R): R_hat of the whole completion minus its baseline, on each of its tokens."""
    returns = (rewards * mask).sum(dim=1)
    return (returns - baseline_of(returns, kind, samples))[:, None] * mask
