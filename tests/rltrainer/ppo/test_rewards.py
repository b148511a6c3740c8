"""R_hat token by token, and what a completion without an end earns."""

import pytest
import torch

from rltrainer.ppo.rewards import episode_scores, token_rewards

MASK = torch.tensor([[True, True, True], [True, False, False]])


def test_p1_the_score_lands_on_the_last_real_token_itself() -> None:
    rewards = token_rewards(torch.tensor([2.0, -1.0]), torch.zeros(2, 3), MASK, beta=0.5)
    assert rewards.tolist() == [[0.0, 0.0, 2.0], [-1.0, 0.0, 0.0]]


def test_p1_rewards_of_a_completion_sum_to_r_hat() -> None:
    # Row 0: 2 - 0.5 (0.1 + 0.2 - 0.4) = 2.05. Row 1: -1 - 0.5 * 1 = -1.5; the pads' ratios do not count.
    ratio = torch.tensor([[0.1, 0.2, -0.4], [1.0, 50.0, 50.0]])
    rewards = token_rewards(torch.tensor([2.0, -1.0]), ratio, MASK, beta=0.5)
    assert rewards[0].tolist() == pytest.approx([-0.05, -0.1, 2.2])
    assert rewards.sum(dim=1).tolist() == pytest.approx([2.05, -1.5])


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="mask"):
        token_rewards(torch.zeros(3), torch.zeros(2, 3), MASK, beta=0.1)


def test_p6_a_completion_that_did_not_end_earns_the_penalty() -> None:
    scores, finished = torch.tensor([3.0, 3.0, -2.0, -2.0]), torch.tensor([True, False, False, True])
    # One that scores below the penalty keeps its score: not to end would be a way to earn more.
    assert episode_scores(scores, finished, -1.0).tolist() == [3.0, -1.0, -2.0, -2.0]
    assert episode_scores(scores, finished, None).tolist() == scores.tolist()
