"""Optimizer steps: their number, their gradient, and when an update refuses or ends early."""

import math
from typing import Any

import pytest
import torch

from lm.lora import LoraSettings
from rltrainer.policy.generation import Generated
from rltrainer.policy.log_probabilities import completion_figures
from rltrainer.ppo.config import PpoConfig
from rltrainer.ppo.losses import ppo_policy_loss, value_loss
from rltrainer.ppo.order import generator_of
from rltrainer.ppo.rollout import rollout_of
from rltrainer.ppo.update import ForwardDiffers, RowsNotFinite, accumulate_gradient, update
from runs.folder.errors import BadInput, Stopped
from tests.rltrainer.ppo.factories import gradients, make_learner, make_policy, make_rollout, weights, whole


def learn(**fields: Any) -> tuple[Any, Any]:
    """One update of a fresh learner."""
    learner = make_learner(**fields)
    rollout, targets = make_rollout(learner)
    learner.set_rates(0)
    return learner, update(learner, rollout, targets, generator_of("test", 1, 0))


def test_p3_defaults_are_those_of_the_field() -> None:
    config = PpoConfig(policy="p", reward_model="r").resolved(1_500_000)
    assert (config.gamma, config.lam, config.clip, config.value_clip) == (1.0, 0.95, 0.2, 0.2)
    assert (config.epochs, config.adam_eps, config.kl_clamp) == (4, 1e-5, 20.0)
    learner = make_learner(learning_rate=0.4, steps=4, value_learning_rate=0.8)
    rates = []
    for step in range(4):
        learner.set_rates(step)
        assert learner.value_optimizer is not None
        groups = learner.policy_optimizer.param_groups, learner.value_optimizer.param_groups
        rates.append([group[0]["lr"] for group in groups])
        assert all(group["eps"] == 1e-5 for part in groups for group in part)
    # Linear to 0: a whole, three quarters, a half, a quarter of 0.4 and 0.8.
    assert [rate for pair in rates for rate in pair] == pytest.approx(
        [0.4, 0.8, 0.3, 0.6, 0.2, 0.4, 0.1, 0.2]
    )


def test_defaults_follow_algorithm_size_and_lora() -> None:
    reinforce = PpoConfig(policy="p", reward_model="r", algorithm="reinforce").resolved(1_500_000)
    assert (reinforce.epochs, reinforce.minibatches) == (1, 1)
    sizes = (1_500_000, 1_500_000_000, 70_000_000_000)
    full, lora = (
        [PpoConfig(policy="p", reward_model="r", lora=lora_settings).resolved(size) for size in sizes]
        for lora_settings in (None, LoraSettings())
    )
    rates = [config.learning_rate or 0 for config in full]
    assert rates == sorted(rates, reverse=True)
    assert [config.learning_rate for config in lora] == pytest.approx([10 * rate for rate in rates])
    # The value network has no adapter: its rate is that of whole weights.
    assert [config.value_learning_rate for config in lora] == pytest.approx([2 * rate for rate in rates])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", 0.0),
        ("steps", 0),
        ("beta", -0.1),
        ("learning_rate", math.nan),
        ("kl_target", 0.0),
        ("kl_limit", -1.0),
        ("value_learning_rate", math.inf),
    ],
)
def test_impossible_settings_are_refused_by_name(field: str, value: float) -> None:
    with pytest.raises(BadInput, match=field):
        PpoConfig(policy="p", reward_model="r", **{field: value})  # type: ignore[arg-type]


def test_settings_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(BadInput, match="at least 2 samples"):
        PpoConfig(policy="p", reward_model="r", algorithm="reinforce", samples=1)
    twice: list[dict[str, Any]] = [{"epochs": 2}, {"minibatches": 2}]
    for more in twice:
        with pytest.raises(BadInput, match="in one step"):
            PpoConfig(policy="p", reward_model="r", algorithm="reinforce", **more)
    with pytest.raises(BadInput, match="8 minibatches"):
        PpoConfig(policy="p", reward_model="r", batch_prompts=2, samples=2, minibatches=8).resolved(1000)


@pytest.mark.parametrize("algorithm", ["ppo", "reinforce"])
def test_p10_the_ratio_is_one_on_the_first_minibatch(algorithm: str) -> None:
    learner = make_learner(algorithm=algorithm)
    rollout, targets = make_rollout(learner)
    sums = accumulate_gradient(learner, rollout, targets, range(8))
    assert sums.largest < 1e-5
    assert sums.ratio / sums.tokens == pytest.approx(1.0, abs=1e-6)


def test_p10_old_log_probabilities_of_another_policy_are_refused() -> None:
    learner = make_learner()
    rollout, targets = make_rollout(learner)
    other = rollout._replace(log_probs=rollout.log_probs + 0.01 * rollout.mask)
    with pytest.raises(ForwardDiffers, match="not a function of the text"):
        update(learner, other, targets, generator_of("test", 0, 0))


@pytest.mark.parametrize("fields", [{}, {"algorithm": "reinforce"}, {"entropy_coefficient": 0.1}])
def test_p11_the_gradient_does_not_depend_on_the_micro_batches(fields: dict[str, Any]) -> None:
    by_budget = []
    for budget in (10_000, 30, 1):
        learner = make_learner(micro_batch_tokens=budget, **fields)
        rollout, targets = make_rollout(make_learner(**fields))
        accumulate_gradient(learner, rollout, targets, [0, 1, 3, 4, 6, 7])
        by_budget.append(gradients(learner))
    assert by_budget[0].abs().max() > 1e-3
    for other in by_budget[1:]:
        torch.testing.assert_close(other, by_budget[0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("fields", [{}, {"algorithm": "reinforce", "epochs": 1}])
def test_p11_the_weights_after_an_update_do_not_depend_on_the_micro_batches(fields: dict[str, Any]) -> None:
    by_budget = [weights(learn(micro_batch_tokens=budget, **fields)[0]) for budget in (10_000, 1)]
    start = weights(make_learner(**fields))
    for name, one in by_budget[0].items():
        torch.testing.assert_close(one, by_budget[1][name], rtol=1e-3, atol=2e-5)
    assert max(float((by_budget[0][name] - start[name]).abs().max()) for name in start) > 1e-3


def test_p11_the_loss_is_a_mean_over_the_tokens_of_the_minibatch() -> None:
    """Against the whole loss written out in one pass: policy, value and entropy, divided once by all tokens."""
    learner = make_learner(entropy_coefficient=0.3, micro_batch_tokens=20)
    assert learner.value is not None
    rollout, targets = make_rollout(learner)
    accumulate_gradient(learner, rollout, targets, range(8))
    accumulated = gradients(learner)
    inputs = rollout.sequences, rollout.attention_mask, rollout.completion_start
    for parameter in (*learner.policy_parameters.values(), *learner.value_parameters.values()):
        parameter.grad = None
    figures = completion_figures(learner.policy.model, *inputs, 1.0)
    policy = ppo_policy_loss(
        figures.log_probabilities, rollout.log_probs, targets.advantages, rollout.mask, 0.2
    ).loss
    value = value_loss(learner.value(*inputs), rollout.values, targets.returns, rollout.mask, 0.2)
    total = policy + value - 0.3 * figures.entropy.sum()
    torch.autograd.backward(total / rollout.mask.sum())
    torch.testing.assert_close(accumulated, gradients(learner), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("epochs", "minibatches", "budget"), [(4, 4, 10_000), (4, 4, 1), (1, 1, 1), (3, 2, 25)]
)
def test_p12_an_update_makes_epochs_times_minibatches_steps(
    epochs: int, minibatches: int, budget: int
) -> None:
    learner, done = learn(
        epochs=epochs, minibatches=minibatches, micro_batch_tokens=budget, update_kl_limit=None
    )
    assert done.optimizer_steps == epochs * minibatches
    for optimizer in (learner.policy_optimizer, learner.value_optimizer):
        counts = {int(state["step"]) for state in optimizer.state.values()}
        assert counts == {epochs * minibatches}


def test_p13_dropout_is_off_wherever_the_base_had_it() -> None:
    policy = make_policy(attention_dropout=0.5)
    learner = make_learner(policy)
    assert learner.value is not None
    for model in (policy.model, policy.frozen, learner.value):
        model.train()
    rollout, targets = make_rollout(learner)
    again, _ = make_rollout(learner)
    for name in ("log_probs", "reference", "values"):
        assert torch.equal(getattr(rollout, name), getattr(again, name))
    assert accumulate_gradient(learner, rollout, targets, range(8)).largest < 1e-5


def test_p13_with_lora_the_reference_is_the_policy_with_its_adapter_off() -> None:
    policy = make_policy(lora=LoraSettings(rank=4))
    base = {name: value.clone() for name, value in policy.model.named_parameters() if ".lora_" not in name}
    learner = make_learner(policy, learning_rate=0.05)
    rollout, targets = make_rollout(learner)
    assert policy.frozen is None
    torch.testing.assert_close(rollout.reference, rollout.log_probs, rtol=0, atol=1e-6)
    learner.set_rates(0)
    update(learner, rollout, targets, generator_of("test", 0, 0))
    now = dict(policy.model.named_parameters())
    assert all(torch.equal(now[name], value) for name, value in base.items())
    assert learner.policy_parameters
    assert all(".lora_" in name for name in learner.policy_parameters)
    after, _ = make_rollout(learner)
    assert float((after.log_probs - after.reference).abs().max()) > 1e-2
    # The same weights without an adapter say of the same texts what the reference said.
    generated = Generated(after.sequences, after.attention_mask, after.mask, after.finished, after.texts)
    plain = rollout_of(make_policy(), None, generated, whole(after.scores), learner.config)
    torch.testing.assert_close(after.reference, plain.log_probs, rtol=0, atol=1e-6)


def test_an_update_ends_before_the_step_that_would_go_on_from_too_far() -> None:
    _, whole = learn(learning_rate=0.05, update_kl_limit=None)
    _, short = learn(learning_rate=0.05, update_kl_limit=1e-4)
    assert (whole.optimizer_steps, short.optimizer_steps) == (4, 1)
    assert short.update_kl > 1e-4


def test_p16_a_loss_that_is_not_finite_changes_no_weight_and_names_its_rows() -> None:
    learner = make_learner()
    rollout, targets = make_rollout(learner)
    start = weights(learner)
    targets.advantages[5, 0] = math.nan
    learner.set_rates(0)
    with pytest.raises(RowsNotFinite, match="nan") as caught:
        update(learner, rollout, targets, generator_with(5))
    assert 5 in caught.value.rows
    assert all(torch.equal(value, start[name]) for name, value in weights(learner).items())


def generator_with(row: int) -> torch.Generator:
    """A generator whose first minibatch of two, of eight rows, holds ``row``."""
    for seed in range(100):
        generator = torch.Generator().manual_seed(seed)
        if row in torch.randperm(8, generator=generator)[:4].tolist():
            return torch.Generator().manual_seed(seed)
    raise AssertionError("no seed does")


def test_a_stop_is_seen_before_each_minibatch() -> None:
    learner = make_learner()
    rollout, targets = make_rollout(learner)
    calls = []

    def between() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise Stopped("now")

    with pytest.raises(Stopped):
        update(learner, rollout, targets, generator_of("test", 0, 0), between=between)
    assert len(calls) == 3


def test_the_largest_gradient_is_clipped_for_each_network_alone() -> None:
    _, free = learn(epochs=1, minibatches=1, max_grad_norm=1e9)
    learner, clipped = learn(epochs=1, minibatches=1, max_grad_norm=1e-3)
    assert clipped.gradient_norm == pytest.approx(free.gradient_norm, rel=1e-5)
    for parameters in (learner.policy_parameters, learner.value_parameters):
        norm = math.sqrt(
            sum(
                float(parameter.grad.square().sum())
                for parameter in parameters.values()
                if parameter.grad is not None
            )
        )
        assert norm == pytest.approx(1e-3, rel=1e-2)
