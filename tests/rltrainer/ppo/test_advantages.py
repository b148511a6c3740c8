"""Advantages: GAE against hand arithmetic and its definition as a sum, whitening, and REINFORCE's baselines."""

import pytest
import torch

from rltrainer.ppo.advantages import baseline_of, episode_advantages, gae, whiten

MASK = torch.tensor([[True, True, True], [True, True, False]])


def test_gae_by_hand() -> None:
    # gamma 1, lambda 0.5. Row 0: deltas 0 + 0.3 - 0.2 = 0.1; 0 + 0.6 - 0.3 = 0.3; 1 + 0 - 0.6 = 0.4.
    #   A2 = 0.4; A1 = 0.3 + 0.5 * 0.4 = 0.5; A0 = 0.1 + 0.5 * 0.5 = 0.35.
    # Row 1 ends a token earlier: deltas 0.1 + 0.5 - 0.4 = 0.2; 2 + 0 - 0.5 = 1.5; the pad's value 9 never counts.
    #   A1 = 1.5; A0 = 0.2 + 0.75 = 0.95.
    rewards = torch.tensor([[0.0, 0.0, 1.0], [0.1, 2.0, 0.0]])
    values = torch.tensor([[0.2, 0.3, 0.6], [0.4, 0.5, 9.0]])
    computed = gae(rewards, values, MASK, gamma=1.0, lam=0.5)
    assert computed[0].tolist() == pytest.approx([0.35, 0.5, 0.4])
    assert computed[1].tolist() == pytest.approx([0.95, 1.5, 0.0])


def test_gae_is_the_discounted_sum_of_temporal_differences() -> None:
    """Schulman et al., eq. 16, by brute force over every later token."""
    generator = torch.Generator().manual_seed(0)
    rewards, values = (torch.randn(3, 6, generator=generator, dtype=torch.float64) for _ in range(2))
    lengths, gamma, lam = [6, 4, 1], 0.9, 0.7
    mask = torch.arange(6) < torch.tensor(lengths)[:, None]
    computed = gae(rewards, values, mask, gamma=gamma, lam=lam)
    for row, length in enumerate(lengths):
        later = [*values[row, 1:length].tolist(), 0.0]
        deltas = [float(rewards[row, t]) + gamma * later[t] - float(values[row, t]) for t in range(length)]
        for t in range(length):
            expected = sum((gamma * lam) ** (s - t) * deltas[s] for s in range(t, length))
            assert float(computed[row, t]) == pytest.approx(expected, abs=1e-9)
        assert computed[row, length:].abs().sum() == 0


def test_p4_whitening_takes_mean_and_deviation_over_real_tokens_of_the_whole_batch() -> None:
    # Real: 1, 2, 3, 4, 5: mean 3 (taken away, not put back), variance 2. Pads hold 1000 and come out as 0.
    advantages = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 1000.0]])
    whitened = whiten(advantages, MASK)
    root = 2**0.5
    assert whitened[0].tolist() == pytest.approx([-2 / root, -1 / root, 0.0])
    assert whitened[1].tolist() == pytest.approx([1 / root, 2 / root, 0.0])


def test_p4_advantages_that_are_all_the_same_become_nothing() -> None:
    assert whiten(torch.full((2, 3), 7.0), MASK).tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("none", [0.0] * 6),
        ("batch_mean", [5.0] * 6),  # (1 + 2 + 6 + 4 + 7 + 10) / 6
        (
            "leave_one_out",
            [4.0, 3.5, 1.5, 8.5, 7.0, 5.5],
        ),  # of 1, 2, 6: (2 + 6) / 2, (1 + 6) / 2, (1 + 2) / 2
    ],
)
def test_baselines_by_hand(kind: str, expected: list[float]) -> None:
    returns = torch.tensor([1.0, 2.0, 6.0, 4.0, 7.0, 10.0])
    assert baseline_of(returns, kind, 3).tolist() == pytest.approx(expected)


def test_reinforce_gives_every_token_of_a_completion_its_whole_return() -> None:
    # Returns 0.5 + 1 = 1.5 and 4 (the pad's 100 does not count); each other's is the baseline: -2.5 and 2.5.
    rewards = torch.tensor([[0.5, 1.0, 0.0], [1.0, 3.0, 100.0]])
    computed = episode_advantages(rewards, MASK, "leave_one_out", 2)
    assert computed.tolist() == [[-2.5, -2.5, -2.5], [2.5, 2.5, 0.0]]
