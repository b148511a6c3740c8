"""A rollout against the policy's own logits, one unpadded row at a time."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from rltrainer.policy import log_probabilities
from rltrainer.policy.generation import Generated
from rltrainer.policy.loading import Policy
from rltrainer.policy.prompts import Prompt
from rltrainer.ppo.order import generator_of, prompts_of_step
from rltrainer.ppo.rollout import Earned, Rollout, Seconds, collect, micro_batches, rollout_of
from rltrainer.ppo.targets import targets_of
from rltrainer.ppo.train import reward_by
from rltrainer.ppo.update import accumulate_gradient
from tests.rltrainer.ppo.factories import (
    gradients,
    make_learner,
    make_policy,
    make_policy_of_places,
    make_prompts,
    make_reward_model,
    make_rollout,
    whole,
)


def rows_of(rollout: Rollout) -> list[tuple[list[int], list[int]]]:
    """The ids of each prompt and completion, without pads."""
    start = rollout.completion_start
    pairs = zip(rollout.sequences, rollout.attention_mask.bool(), strict=True)
    return [(ids[:start][mask[:start]].tolist(), ids[start:][mask[start:]].tolist()) for ids, mask in pairs]


@torch.no_grad()
def alone(model: Any, prompt: list[int], completion: list[int], temperature: float) -> Tensor:
    """log softmax(logits / temperature) of the completion's tokens, of one row without padding."""
    logits = model(input_ids=torch.tensor([prompt + completion])).logits[0].double() / temperature
    logs = torch.log_softmax(logits[len(prompt) - 1 : -1], dim=-1)
    return logs[torch.arange(len(completion)), torch.tensor(completion)]


@pytest.mark.parametrize("make", [make_policy, make_policy_of_places])
@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_p7_p8_log_probabilities_are_those_of_the_sampled_distribution_without_padding(
    temperature: float, make: Callable[[], Policy]
) -> None:
    learner = make_learner(make(), temperature=temperature)
    with torch.no_grad():
        learner.policy.model.lm_head.weight.mul_(1.1)  # so that policy and reference differ
    rollout, _ = make_rollout(learner)
    assert len({len(prompt) for prompt, _ in rows_of(rollout)}) > 1
    for row, (prompt, completion) in enumerate(rows_of(rollout)):
        log_probs = rollout.log_probs[row, : len(completion)].double()
        torch.testing.assert_close(
            log_probs, alone(learner.policy.model, prompt, completion, temperature), rtol=1e-5, atol=1e-5
        )
        reference = rollout.reference[row, : len(completion)].double()
        torch.testing.assert_close(
            reference, alone(learner.policy.frozen, prompt, completion, temperature), rtol=1e-5, atol=1e-5
        )
        assert (reference - log_probs).abs().max() > 1e-3


def test_p8_values_do_not_see_the_padding() -> None:
    learner = make_learner(make_policy_of_places())
    assert learner.value is not None
    torch.nn.init.normal_(learner.value.head.weight)
    rollout, _ = make_rollout(learner)
    for row, (prompt, completion) in enumerate(rows_of(rollout)):
        ids = torch.tensor([prompt + completion])
        with torch.no_grad():
            unpadded = learner.value(ids, torch.ones_like(ids), len(prompt))[0]
        torch.testing.assert_close(rollout.values[row, : len(completion)], unpadded, rtol=1e-5, atol=1e-5)


def test_p6_p9_the_end_is_a_token_of_the_rollout_and_nothing_after_it_is() -> None:
    learner = make_learner(max_new_tokens=12, batch_prompts=6)
    tokenizer = learner.policy.tokenizer
    rollout, _ = make_rollout(learner)
    assert tokenizer.pad_token_id != tokenizer.eos_token_id
    assert 0 < int(rollout.finished.sum()) < len(rollout.texts)
    for (_, completion), finished, text in zip(
        rows_of(rollout), rollout.finished, rollout.texts, strict=True
    ):
        assert (completion[-1] == tokenizer.eos_token_id) == bool(finished)
        assert tokenizer.eos_token_id not in completion[:-1]
        assert text == tokenizer.decode(completion, skip_special_tokens=True)
    outside = ~rollout.mask
    for tensor in (rollout.log_probs, rollout.reference, rollout.entropy, rollout.values):
        assert tensor[outside].abs().sum() == 0
        assert tensor[rollout.mask].shape == (int(rollout.mask.sum()),)


def test_p6_what_is_scored_is_the_text_up_to_its_end() -> None:
    heard: list[str] = []

    def reward_of(prompts: Sequence[Prompt], texts: Sequence[str], between: Callable[[], None]) -> Earned:
        heard.extend(texts)
        return whole(torch.zeros(len(texts)))

    learner = make_learner()
    rollout = collect(
        learner.policy,
        None,
        reward_of,
        make_prompts(4),
        learner.config,
        generator_of("test", 0, 0),
        Seconds(),
    )
    assert heard == rollout.texts
    assert not any("<eos>" in text or "<pad>" in text for text in heard)


def test_a_chat_is_asked_by_the_policys_template_and_scored_as_a_chat() -> None:
    policy = make_policy()
    policy.tokenizer.chat_template = (
        "{% for each in messages %}{{ 'the' if each['role'] == 'user' else 'a' }} {{ each['content'] }} {% endfor %}"
        "{% if add_generation_prompt %}and{% endif %}"
    )
    talk = [("user", "cat sat"), ("assistant", "on"), ("user", "mat")]
    messages = [{"role": role, "content": content} for role, content in talk]
    chat, text = Prompt("c", "chat", messages), Prompt("t", "text", messages[:1])
    heard: list[Prompt] = []

    def reward_of(prompts: Sequence[Prompt], texts: Sequence[str], between: Callable[[], None]) -> Earned:
        heard.extend(prompts)
        return whole(torch.arange(float(len(texts))))

    learner = make_learner(policy)
    rollout = collect(
        policy, learner.value, reward_of, [chat, text], learner.config, generator_of("test", 0, 0), Seconds()
    )
    assert heard == [chat, chat, text, text]
    rendered = ["the cat sat a on the mat and"] * 2 + ["cat sat"] * 2
    names = [policy.tokenizer.convert_ids_to_tokens(prompt) for prompt, _ in rows_of(rollout)]
    assert [" ".join(tokens) for tokens in names] == rendered
    for row, (prompt, completion) in enumerate(rows_of(rollout)):
        log_probs = rollout.log_probs[row, : len(completion)].double()
        torch.testing.assert_close(
            log_probs, alone(policy.model, prompt, completion, 1.0), rtol=1e-5, atol=1e-5
        )
    targets = targets_of(rollout, learner.config, 0.1)
    assert accumulate_gradient(learner, rollout, targets, range(4)).largest < 1e-5
    assert gradients(learner).abs().max() > 1e-3


def test_p9_ending_is_learnt() -> None:
    """The gradient of a completion that is nothing but EOS is that of its log-probability, times its advantage."""
    learner = make_learner()
    pads = [0] * 3
    generated = Generated(
        sequences=torch.tensor([[5, 6, 1, *pads], [5, 6, 7, 8, 9, 1]]),
        attention_mask=torch.tensor([[1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 1]]),
        completion_mask=torch.tensor([[True, False, False, False], [True] * 4]),
        finished=torch.tensor([True, True]),
        texts=["", "a b c"],
    )
    rollout = rollout_of(
        learner.policy, learner.value, generated, whole(torch.tensor([1.0, -1.0])), learner.config
    )
    targets = targets_of(rollout, learner.config, 0.1)
    assert accumulate_gradient(learner, rollout, targets, [0]).tokens == 1
    gradients = {name: parameter.grad for name, parameter in learner.policy_parameters.items()}
    learner.policy_optimizer.zero_grad(set_to_none=True)
    # The better of the two, so that its advantage is above zero: EOS is to become likelier.
    advantage = float(targets.advantages[0, 0])
    assert advantage > 0.5
    ending = torch.log_softmax(learner.policy.model(input_ids=torch.tensor([[5, 6]])).logits[0, -1], dim=-1)[
        1
    ]
    torch.autograd.backward(-advantage * ending)
    for name, parameter in learner.policy_parameters.items():
        torch.testing.assert_close(gradients[name], parameter.grad, rtol=1e-4, atol=1e-6)
    assert (
        max(float(parameter.abs().max()) for parameter in gradients.values() if parameter is not None) > 1e-2
    )


def test_p14_logits_are_of_completion_tokens_only_and_never_kept_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learner = make_learner(algorithm="reinforce", batch_prompts=6)
    rollout, targets = make_rollout(learner)
    monkeypatch.setattr(log_probabilities, "LOGITS_AT_ONCE", 5 * 16)  # five tokens of 16 at once
    rows: list[int] = []
    saved: list[int] = []
    learner.policy.model.lm_head.register_forward_hook(lambda module, hidden, out: rows.append(len(out)))

    def pack(tensor: Tensor) -> Tensor:
        if tensor.shape[-1:] == (16,) and tensor.dim() == 2 and tensor.grad_fn is not None:
            saved.append(len(tensor))
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        accumulate_gradient(learner, rollout, targets, range(len(rollout.texts)))
    tokens = int(rollout.mask.sum())
    # Each token's logits are made twice, forward and again in the backward pass, five at a time at most.
    assert sum(rows) == 2 * tokens
    assert max(rows) == 5
    assert max(saved, default=0) <= 5


def test_p15_the_reward_model_reads_the_text_with_its_own_tokens() -> None:
    """Policy and reward model share no token; the score is that of the text by itself."""
    learner, reward_model = make_learner(), make_reward_model()
    assert learner.policy.tokenizer.get_vocab() != reward_model.tokenizer.get_vocab()
    rollout = collect(
        learner.policy,
        learner.value,
        reward_by(reward_model),
        make_prompts(3),
        learner.config,
        generator_of("test", 0, 0),
        Seconds(),
    )
    for row, text in enumerate(rollout.texts):
        prompt = make_prompts(3)[row // learner.config.samples]
        alone = reward_model.score_completions(prompt.form, prompt.messages, [text])
        assert float(rollout.scores[row]) == pytest.approx(float(alone), abs=1e-5)
    assert len(set(rollout.scores.tolist())) > 1


@pytest.mark.parametrize("budget", [1, 20, 10_000])
def test_micro_batches_hold_each_row_once_and_lose_padding_only(budget: int) -> None:
    rollout, _ = make_rollout(make_learner(batch_prompts=6))
    rows = [0, 2, 3, 7, 8, 11]
    parts = list(micro_batches(rollout.attention_mask, rollout.completion_start, rows, budget))
    assert sorted(row for part in parts for row in part.rows) == rows
    for part in parts:
        kept, whole = part.cut(rollout.attention_mask), rollout.attention_mask[part.rows]
        assert int(kept.sum()) == int(whole.sum())
        assert len(part.rows) == 1 or kept.numel() <= budget
        assert part.cut_completions(rollout.mask).sum() == rollout.mask[part.rows].sum()
        assert part.start == kept.shape[1] - part.cut_completions(rollout.mask).shape[1]


def test_a_part_is_written_where_it_was_cut() -> None:
    rollout, _ = make_rollout(make_learner())
    target = torch.zeros(rollout.mask.shape)
    for part in micro_batches(rollout.attention_mask, rollout.completion_start, range(8), 30):
        part.put(target, part.cut_completions(rollout.log_probs))
    assert torch.equal(target, rollout.log_probs)


def test_measuring_does_not_depend_on_the_cut() -> None:
    first, second = (make_rollout(make_learner(micro_batch_tokens=budget))[0] for budget in (1, 10_000))
    for name in ("log_probs", "reference", "entropy", "values"):
        torch.testing.assert_close(getattr(first, name), getattr(second, name), rtol=1e-5, atol=1e-5)


def test_prompts_come_once_an_epoch_in_an_order_by_seed_and_epoch() -> None:
    numbers = [number for step in range(6) for number in prompts_of_step(9, 3, seed=5, step=step)]
    assert sorted(numbers[:9]) == sorted(numbers[9:]) == list(range(9))
    assert numbers[:9] != numbers[9:]
    assert prompts_of_step(9, 3, seed=5, step=4) == numbers[12:15]
    assert [number for step in range(6) for number in prompts_of_step(9, 3, seed=6, step=step)] != numbers
    # A batch that is larger than an epoch goes on into the next ones.
    assert sorted(prompts_of_step(2, 6, seed=0, step=0)) == [0, 0, 0, 1, 1, 1]


def test_random_numbers_of_two_purposes_seeds_or_steps_differ() -> None:
    drawn = [
        torch.rand(1, generator=generator_of(*key)).item()
        for key in (("a", 0, 0), ("b", 0, 0), ("a", 1, 0), ("a", 0, 1), ("a", 0, 0))
    ]
    assert len(set(drawn)) == 4
    assert drawn[0] == drawn[-1]
