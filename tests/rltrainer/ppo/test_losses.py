"""The losses by hand; all are sums over real tokens."""

import math

import pytest
import torch

from rltrainer.ppo.losses import explained_variance, ppo_policy_loss, reinforce_loss, value_loss

MASK = torch.tensor([[True, True, True, True, False]])
# Ratios 1.5, 0.5, 1.5, 0.5, and a pad that would be enormous.
NEW = torch.tensor([[1.5, 0.5, 1.5, 0.5, math.exp(9)]]).log()
OLD = torch.zeros(1, 5)
ADVANTAGES = torch.tensor([[2.0, 2.0, -2.0, -2.0, 100.0]])


def test_ppo_loss_by_hand() -> None:
    # min(rho A, clip(rho, .8, 1.2) A): min(3, 2.4) = 2.4 (clipped); min(1, 1.6) = 1; min(-3, -2.4) = -3;
    # min(-1, -1.6) = -1.6 (clipped). Sum -1.2, so the loss is 1.2. k3 old to new: rho - 1 - log rho.
    computed = ppo_policy_loss(NEW, OLD, ADVANTAGES, MASK, 0.2)
    assert float(computed.loss) == pytest.approx(1.2)
    assert int(computed.clipped) == 2
    assert float(computed.ratio) == pytest.approx(4.0)
    assert float(computed.kl) == pytest.approx(-2 * math.log(1.5) - 2 * math.log(0.5), abs=1e-5)


def test_a_clipped_token_has_no_gradient() -> None:
    new = NEW.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(ppo_policy_loss(new, OLD, ADVANTAGES, MASK, 0.2).loss, new)
    # d(-rho A) / d log rho = -rho A where not clipped: -0.5 * 2 and -1.5 * -2.
    assert gradient[0].tolist() == pytest.approx([0.0, -1.0, 3.0, 0.0, 0.0])


def test_p3_log_ratios_are_clamped_at_twenty() -> None:
    computed = ppo_policy_loss(
        torch.tensor([[500.0]]), torch.zeros(1, 1), torch.tensor([[-1.0]]), torch.tensor([[True]]), 0.2
    )
    assert float(computed.loss) == pytest.approx(math.exp(20), rel=1e-6)


def test_reinforce_loss_by_hand() -> None:
    # -(2 * -1 + 3 * -2) = 8, and its gradient is -A.
    new = torch.tensor([[-1.0, -2.0, -5.0]], requires_grad=True)
    mask = torch.tensor([[True, True, False]])
    computed = reinforce_loss(new, new.detach(), torch.tensor([[2.0, 3.0, 4.0]]), mask)
    (gradient,) = torch.autograd.grad(computed.loss, new)
    assert float(computed.loss.detach()) == pytest.approx(8.0)
    assert gradient.tolist() == [[-2.0, -3.0, 0.0]]
    assert float(computed.ratio) == 2.0


def test_p3_value_loss_by_hand() -> None:
    # Old 0, clip 0.2. V .5, G 1: max(.25, (.2 - 1)^2 = .64). V .1, G 1: .81 both. V -.5, G -1: .64. V 3, G 3:
    # max(0, (.2 - 3)^2 = 7.84). Half the sum: (.64 + .81 + .64 + 7.84) / 2 = 4.965.
    values = torch.tensor([[0.5, 0.1, -0.5, 3.0, 99.0]])
    returns = torch.tensor([[1.0, 1.0, -1.0, 3.0, 0.0]])
    assert float(value_loss(values, OLD, returns, MASK, 0.2)) == pytest.approx(4.965)


def test_explained_variance_of_a_perfect_a_constant_and_a_wrong_guess() -> None:
    returns = torch.tensor([[1.0, 2.0, 3.0, 4.0, 99.0]])
    assert explained_variance(returns, returns, MASK) == 1.0
    assert explained_variance(torch.full((1, 5), 7.0), returns, MASK) == 0.0
    # Errors 2, 0, -2, -4 ... of -G: G - V = 2G has four times the variance.
    assert explained_variance(-returns, returns, MASK) == pytest.approx(-3.0)
    assert explained_variance(returns, torch.ones(1, 5), MASK) == 0.0
