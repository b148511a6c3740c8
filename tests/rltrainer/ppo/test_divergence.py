"""P2: what each estimator of the KL says, that none overflows, and how beta follows the KL."""

import math

import pytest
import torch

from rltrainer.ppo.divergence import adapted_beta, clamped_log_ratio, divergence, k1, k2, k3


def test_p2_estimators_by_hand() -> None:
    # r = 0.5: k2 = 0.25 / 2; k3 = e^-0.5 - 1 + 0.5 = 0.606531 - 0.5. r = -1: k2 = 0.5; k3 = e - 2.
    ratio = torch.tensor([0.5, -1.0], dtype=torch.float64)
    assert k1(ratio).tolist() == [0.5, -1.0]
    assert k2(ratio).tolist() == pytest.approx([0.125, 0.5])
    assert k3(ratio).tolist() == pytest.approx([0.106530660, 0.718281828], abs=1e-8)


def test_p2_estimators_are_sums_of_a_completion_and_pads_never_count() -> None:
    # Rows (0.5, -1) and (2, pad): k1 (-0.5 + 2) / 2; k2 (0.625 + 2) / 2; k3 (0.824812 + e^-2 + 1) / 2.
    ratio = torch.tensor([[0.5, -1.0], [2.0, 777.0]])
    estimates = divergence(ratio, torch.tensor([[True, True], [True, False]]))
    assert estimates.k1 == pytest.approx(0.75)
    assert estimates.k2 == pytest.approx(1.3125)
    assert estimates.k3 == pytest.approx((0.106530660 + 0.718281828 + math.exp(-2) + 1) / 2, abs=1e-6)


def test_p2_k1_and_k3_agree_with_the_exact_kl_in_the_mean() -> None:
    """KL of two distributions over four tokens, summed out: both estimators are unbiased, weighted by pi."""
    pi = torch.tensor([0.4, 0.3, 0.2, 0.1], dtype=torch.float64)
    reference = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    exact = sum(float(p * math.log(p / q)) for p, q in zip(pi, reference, strict=True))
    ratio = (pi / reference).log()
    assert float((pi * k1(ratio)).sum()) == pytest.approx(exact)
    assert float((pi * k3(ratio)).sum()) == pytest.approx(exact)
    assert abs(float((pi * k2(ratio)).sum()) - exact) > 0.01


def test_p2_a_clamped_ratio_keeps_k3_finite() -> None:
    ratio = clamped_log_ratio(torch.tensor([[-200.0, 200.0]]), torch.zeros(1, 2), 20.0)
    assert ratio.tolist() == [[-20.0, 20.0]]
    assert bool(torch.isfinite(k3(ratio)).all())
    assert not bool(torch.isfinite(k3(torch.tensor([-89.0]))).all())


@pytest.mark.parametrize(
    ("kl", "expected"),
    [
        (6.0, 0.1),  # on target
        (6.6, 0.1 * 1.001),  # 10% above: 0.1 * (1 + 0.1 * 100 / 10000)
        (60.0, 0.1 * 1.002),  # far above: the error is cut to 0.2
        (0.0, 0.1 * 0.998),  # far below: cut to -0.2
    ],
)
def test_p2_beta_follows_the_target(kl: float, expected: float) -> None:
    assert adapted_beta(0.1, kl=kl, target=6.0, episodes=100, horizon=10_000) == pytest.approx(expected)


def test_p2_beta_moves_by_a_fifth_at_most_and_stays_above_zero() -> None:
    for horizon, expected in ((100, 0.08), (50, 0.08), (8, 0.08), (200, 0.09)):
        assert adapted_beta(0.1, kl=0.0, target=6.0, episodes=100, horizon=horizon) == pytest.approx(expected)
    assert adapted_beta(0.1, kl=90.0, target=6.0, episodes=100, horizon=8) == pytest.approx(0.12)
