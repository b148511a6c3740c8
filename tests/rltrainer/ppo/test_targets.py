"""From a rollout to what it teaches, by hand: the pieces in their order."""

from typing import Any

import pytest
import torch

from rltrainer.ppo.config import PpoConfig
from rltrainer.ppo.rollout import Rollout
from rltrainer.ppo.targets import Targets, targets_of

# log pi - log pi_ref: 0.5, -1 of the first completion; 1 of the second, which has one token and did not end.
ROLLOUT = Rollout(
    sequences=torch.zeros(2, 3, dtype=torch.long),
    attention_mask=torch.tensor([[1, 1, 1], [1, 1, 0]]),
    mask=torch.tensor([[True, True], [True, False]]),
    finished=torch.tensor([True, False]),
    scores=torch.tensor([2.0, 9.0]),
    cut=torch.tensor([False, False]),
    log_probs=torch.tensor([[-1.0, -2.0], [-1.0, 0.0]]),
    reference=torch.tensor([[-1.5, -1.0], [-2.0, 0.0]]),
    entropy=torch.zeros(2, 2),
    values=torch.tensor([[0.5, 1.0], [0.2, 0.0]]),
    texts=["a", "b"],
)


def targets(**fields: Any) -> Targets:
    return targets_of(
        ROLLOUT, PpoConfig(policy="p", reward_model="r", samples=2, **fields).resolved(1000), 0.2
    )


def test_rewards_are_the_kl_a_token_and_the_score_or_the_penalty_on_the_last() -> None:
    # beta 0.2: -0.1, 0.2 + 2; and -0.2 - 1, for a completion that did not end earns -1 and not its 9.
    rewards = targets().rewards
    assert rewards[0].tolist() == pytest.approx([-0.1, 2.2])
    assert rewards[1].tolist() == pytest.approx([-1.2, 0.0])


def test_ppo_learns_from_advantages_and_values_from_returns() -> None:
    # lambda 0.5: deltas -0.1 + 1 - 0.5 = 0.4, 2.2 - 1 = 1.2, -1.2 - 0.2 = -1.4; A = 0.4 + 0.6 = 1, 1.2, -1.4.
    # Returns A + V: 1.5, 2.2, -1.2.
    unwhitened = targets(lam=0.5, whiten=False)
    assert unwhitened.advantages[0].tolist() == pytest.approx([1.0, 1.2])
    assert unwhitened.advantages[1].tolist() == pytest.approx([-1.4, 0.0])
    assert unwhitened.returns[0].tolist() == pytest.approx([1.5, 2.2])
    assert unwhitened.returns[1].tolist() == pytest.approx([-1.2, 0.0])


def test_p4_whitening_changes_the_advantages_and_not_the_returns() -> None:
    # Of 1, 1.2, -1.4: mean 0.8 / 3, variance (1 + 1.44 + 1.96) / 3 - (0.8 / 3)^2.
    mean, variance = 0.8 / 3, 4.4 / 3 - (0.8 / 3) ** 2
    whitened, plain = targets(lam=0.5), targets(lam=0.5, whiten=False)
    expected = [(advantage - mean) / variance**0.5 for advantage in (1.0, 1.2, -1.4)]
    assert [*whitened.advantages[0].tolist(), whitened.advantages[1, 0].item()] == pytest.approx(expected)
    assert torch.equal(whitened.returns, plain.returns)


def test_p18_reinforce_learns_from_r_hat_less_the_other_sample() -> None:
    # R_hat 2.1 and -1.2: advantages 3.3 and -3.3, on every token of its completion.
    advantages = targets(algorithm="reinforce").advantages
    assert advantages[0].tolist() == pytest.approx([3.3, 3.3])
    assert advantages[1].tolist() == pytest.approx([-3.3, 0.0])


def test_p2_a_log_ratio_is_clamped_before_it_is_a_reward() -> None:
    rewards = targets(kl_clamp=0.25).rewards
    # 0.5, -1 and 1 become 0.25, -0.25 and 0.25.
    assert rewards[0].tolist() == pytest.approx([-0.05, 2.05])
    assert rewards[1, 0].item() == pytest.approx(-1.05)
