"""What a rollout teaches: rewards a token, and from them advantages and returns."""

from typing import NamedTuple

from torch import Tensor

from rltrainer.ppo.advantages import episode_advantages, gae, whiten
from rltrainer.ppo.config import ResolvedPpo
from rltrainer.ppo.divergence import clamped_log_ratio
from rltrainer.ppo.rewards import episode_scores, token_rewards
from rltrainer.ppo.rollout import Rollout


class Targets(NamedTuple):
    """All (B, R), 0 on pads: ``rewards`` sum to R_hat, ``returns`` are what the value network should have said."""

    rewards: Tensor
    advantages: Tensor
    returns: Tensor


def targets_of(rollout: Rollout, config: ResolvedPpo, beta: float) -> Targets:
    """PPO: GAE, its returns, advantages whitened (P4). REINFORCE: R_hat of the completion minus its baseline."""
    log_ratio = clamped_log_ratio(rollout.log_probs, rollout.reference, config.kl_clamp)
    scores = episode_scores(rollout.scores, rollout.finished, config.missing_eos_penalty)
    rewards = token_rewards(scores, log_ratio, rollout.mask, beta)
    if config.algorithm == "reinforce":
        advantages = episode_advantages(rewards, rollout.mask, config.baseline, config.samples)
        return Targets(rewards, advantages, advantages)
    advantages = gae(rewards, rollout.values, rollout.mask, gamma=config.gamma, lam=config.lam)
    # Before whitening: the value network learns in units of the reward.
    returns = advantages + rollout.values
    return Targets(
        rewards, whiten(advantages, rollout.mask) if config.whiten else advantages, returns * rollout.mask
    )
