"""The formulas: by hand, by Davidson's and Rao and Kupper's own definitions, by finite differences, by TRL."""

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from rewardmodel.bradley_terry import losses


def tensor(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def strengths(difference: float) -> tuple[float, float]:
    """e^r_i and e^r_j of two scores that differ by ``difference``."""
    return math.exp(0.3 + difference), math.exp(0.3)


def test_loss_of_a_pair_is_minus_the_log_of_its_logistic_probability() -> None:
    # sigmoid(log 3) = 3/4, sigmoid(0) = 1/2, sigmoid(-log 3) = 1/4
    of_pairs = losses.bradley_terry(tensor(math.log(3), 0, -math.log(3)))
    assert of_pairs.tolist() == pytest.approx([math.log(4 / 3), math.log(2), math.log(4)], abs=1e-12)


def test_loss_of_a_pair_stays_finite_where_the_exponential_overflows() -> None:
    of_pairs = losses.bradley_terry(torch.tensor([-100.0, -1000.0, 100.0]))
    assert of_pairs.tolist() == pytest.approx([100, 1000, 0], abs=1e-4)


@pytest.mark.parametrize("difference", [-1.7, 0.0, 0.4, 3.0])
@pytest.mark.parametrize("nu", [0.2, 1.0, 3.0])
def test_davidson_is_davidsons_definition(difference: float, nu: float) -> None:
    i, j = strengths(difference)
    total = i + j + nu * math.sqrt(i * j)
    d, log_nu = tensor(difference), torch.tensor(math.log(nu), dtype=torch.float64)
    assert losses.davidson_strict(d, log_nu).item() == pytest.approx(-math.log(i / total), abs=1e-12)
    tie = losses.davidson_tie(d, log_nu).item()
    assert tie == pytest.approx(-math.log(nu * math.sqrt(i * j) / total), abs=1e-12)
    wins = [math.exp(-losses.davidson_strict(sign * d, log_nu).item()) for sign in (1, -1)]
    assert sum(wins) + math.exp(-tie) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("difference", [-1.7, 0.0, 0.4, 3.0])
@pytest.mark.parametrize("theta", [1.1, 2.0, 5.0])
def test_rao_kupper_is_rao_and_kuppers_definition(difference: float, theta: float) -> None:
    i, j = strengths(difference)
    d, threshold = tensor(difference), torch.tensor(math.log(theta), dtype=torch.float64)
    win, loss = i / (i + theta * j), j / (j + theta * i)
    assert losses.rao_kupper_strict(d, threshold).item() == pytest.approx(-math.log(win), abs=1e-12)
    # what is left when neither wins
    assert losses.rao_kupper_tie(d, threshold).item() == pytest.approx(-math.log(1 - win - loss), abs=1e-9)


def test_tie_models_stay_finite_at_large_differences() -> None:
    d = torch.tensor([-300.0, 300.0])
    zero, one = torch.tensor(0.0), torch.tensor(1.0)
    assert losses.davidson_strict(d, zero).tolist() == pytest.approx([300, 0], abs=1e-3)
    assert losses.davidson_tie(d, zero).tolist() == pytest.approx([150, 150], abs=1e-3)
    assert torch.isfinite(losses.rao_kupper_tie(d, one)).all()


def test_half_a_tie_is_least_at_equal_scores_and_worth_log_two_there() -> None:
    of_pairs = losses.half_tie(tensor(-1, 0, 1))
    # 1/2 (log(1 + e^-1) + log(1 + e)) = 1/2 (0.3132617 + 1.3132617)
    assert of_pairs.tolist() == pytest.approx([0.8132617, math.log(2), 0.8132617], abs=1e-6)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.8])
def test_tie_parameters_start_where_equals_tie_with_the_given_share(share: float) -> None:
    log_nu = torch.tensor(losses.tie_share_to_log_nu(share), dtype=torch.float64)
    assert math.exp(-losses.davidson_tie(tensor(0), log_nu).item()) == pytest.approx(share, abs=1e-9)
    parameter = torch.tensor(losses.tie_share_to_parameter(share), dtype=torch.float64)
    threshold = losses.rao_kupper_threshold(parameter)
    assert math.exp(-losses.rao_kupper_tie(tensor(0), threshold).item()) == pytest.approx(share, abs=1e-9)


def test_margin_smoothing_and_centering_are_their_formulas() -> None:
    assert losses.with_margin(tensor(1, 1), tensor(0, 3), 0.5).tolist() == [1, -0.5]
    assert losses.smoothed(tensor(2), tensor(5), 0.1).item() == pytest.approx(0.9 * 2 + 0.1 * 5)
    assert losses.centering(tensor(1, 2), tensor(-1, 1)).tolist() == [0, 9]


def test_a_ranking_counts_once_however_many_pairs_it_has() -> None:
    # ranking 0: 1, 2, 6 -> 3; ranking 1: 10 -> 10; ranking 2 has no pair
    means = losses.mean_over_pairs(tensor(1, 10, 2, 6), torch.tensor([0, 1, 0, 0]), 3)
    assert means.tolist() == [3, 10, 0]


@pytest.mark.parametrize(
    "loss", [losses.davidson_strict, losses.davidson_tie, losses.rao_kupper_strict, losses.rao_kupper_tie]
)
def test_gradients_of_tie_models_are_those_of_finite_differences(loss: Any) -> None:
    inputs = tensor(0.7).requires_grad_(), torch.tensor(0.9, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(loss, inputs, eps=1e-6, atol=1e-6)


@pytest.mark.filterwarnings("ignore")  # what an import of TRL warns of is not ours
def test_the_loss_of_pairs_is_trls_on_the_same_scores() -> None:
    from accelerate import Accelerator
    from trl import RewardTrainer

    generator = torch.Generator().manual_seed(1)
    scores, margin = torch.randn(10, generator=generator), torch.rand(5, generator=generator)
    model = SimpleNamespace(training=True)
    trainer = SimpleNamespace(
        model=model,
        args=SimpleNamespace(center_rewards_coefficient=0.01),
        accelerator=Accelerator(cpu=True),
        _total_train_tokens=0,
        _tp_size=1,
        _metrics={
            "train": {name: [] for name in ("min_reward", "mean_reward", "max_reward", "accuracy", "margin")}
        },
    )

    def forward(**inputs: Any) -> Any:
        return SimpleNamespace(logits=scores[:, None])

    inputs = {"attention_mask": torch.ones(10, 1), "margin": margin}
    theirs = RewardTrainer.compute_loss(trainer, forward, inputs)
    first, second = scores[:5], scores[5:]
    ours = losses.bradley_terry(losses.with_margin(first - second, margin, 1.0))
    ours = ours.mean() + 0.01 * losses.centering(first, second).mean()
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)
