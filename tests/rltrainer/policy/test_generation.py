"""Generation with cache, shared prefill and leaving rows, against decoding each sequence alone."""

from typing import Any

import pytest
import torch
from transformers import Gemma2Config, GPT2Config, Qwen2Config

from rltrainer.policy.config import SamplingSettings
from rltrainer.policy.generation import Generated, generate
from rltrainer.policy.log_probabilities import completion_log_probabilities
from rltrainer.policy.sampling import choose_tokens
from runs.folder.errors import BadInput, RunError
from tests.rltrainer.policy.factories import make_from_config, make_model, make_tokenizer

PROMPTS = [[3, 4, 5, 6, 7], [8, 9], [10, 11, 12], [13], [14, 15, 3, 3]]
SMALL = {"vocab_size": 16, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
ENDS = [1, 5, 9, 13]
GREEDY = SamplingSettings(max_new_tokens=12, temperature=0.0)


def make_generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@torch.no_grad()
def decode_alone(model: Any, prompt: list[int], steps: int) -> list[int]:
    """Greedy decoding that reads the whole sequence again for every token, until one of ENDS."""
    tokens: list[int] = []
    while len(tokens) < steps and not set(tokens[-1:]) & set(ENDS):
        tokens.append(int(model(input_ids=torch.tensor([prompt + tokens])).logits[0, -1].argmax()))
    return tokens


def completions_of(generated: Generated) -> list[list[int]]:
    width = generated.completion_mask.shape[1]
    rows = zip(generated.sequences[:, -width:], generated.completion_mask, strict=True)
    return [row[mask].tolist() for row, mask in rows]


ARCHITECTURES = [
    None,
    Qwen2Config(**SMALL, num_key_value_heads=2, intermediate_size=48),
    Gemma2Config(
        **SMALL,
        num_key_value_heads=2,
        intermediate_size=48,
        head_dim=8,
        sliding_window=4,
        tie_word_embeddings=False,
    ),
    GPT2Config(vocab_size=16, n_embd=32, n_layer=2, n_head=4, bos_token_id=1, eos_token_id=1),
]


@pytest.mark.parametrize("config", ARCHITECTURES, ids=lambda config: config.model_type if config else "llama")
def test_greedy_batch_equals_decoding_each_prompt_alone(config: Any) -> None:
    lengths = set()
    for seed in range(4):
        if config:
            config.initializer_range = 0.3
        model = make_from_config(config, seed) if config else make_model(seed)
        model.generation_config.eos_token_id = ENDS
        ours = completions_of(generate(model, make_tokenizer(), PROMPTS, GREEDY, make_generator()))
        assert ours == [decode_alone(model, prompt, 12) for prompt in PROMPTS]
        lengths |= {len(row) for row in ours}
    assert len(lengths) > 2  # rows ended at different steps, so rows did leave the batch


def test_masks_hold_eos_and_nothing_after_it() -> None:
    settings = SamplingSettings(max_new_tokens=10, samples=40)
    generated = generate(make_model(spread=0.02), make_tokenizer(), PROMPTS, settings, make_generator())
    tokens = generated.sequences[:, 5:]
    assert generated.finished.any()
    assert not generated.finished.all()
    for row, mask, finished in zip(
        tokens.tolist(), generated.completion_mask.tolist(), generated.finished, strict=True
    ):
        length = row.index(1) + 1 if finished else len(row)
        assert mask == [True] * length + [False] * (len(row) - length)
        assert (1 in row) == bool(finished)
        assert set(row[length:]) <= {0}
    assert torch.equal(generated.attention_mask[:, 5:].bool(), generated.completion_mask)
    assert generated.attention_mask[:, :5].sum(dim=1).tolist() == [
        n for n in (5, 2, 3, 1, 4) for _ in range(40)
    ]


def test_texts_end_before_eos() -> None:
    model, tokenizer = make_model(spread=0.02), make_tokenizer()
    generated = generate(
        model, tokenizer, PROMPTS, SamplingSettings(max_new_tokens=10, samples=4), make_generator()
    )
    for text, ids in zip(generated.texts, completions_of(generated), strict=True):
        words = [tokenizer.convert_ids_to_tokens(token) for token in ids if token > 2]
        assert text.split() == words


def test_same_generator_state_gives_same_samples_and_another_gives_others() -> None:
    model, tokenizer = make_model(spread=0.02), make_tokenizer()
    settings = SamplingSettings(max_new_tokens=8, samples=3)
    one, again, other = (generate(model, tokenizer, PROMPTS, settings, make_generator(s)) for s in (5, 5, 6))
    assert torch.equal(one.sequences, again.sequences)
    assert one.texts != other.texts


def test_samples_of_one_prompt_follow_the_softmax() -> None:
    """Chi-square of 20,000 first tokens against the model's softmax at temperature 0.7 and 1.5."""
    model, prompt, count = make_model(spread=0.2), [3, 4, 5], 20_000
    for temperature in (0.7, 1.5):
        settings = SamplingSettings(max_new_tokens=1, temperature=temperature, samples=count)
        generated = generate(model, make_tokenizer(), [prompt], settings, make_generator(1))
        seen = torch.bincount(generated.sequences[:, 3], minlength=16).double()
        logits = model(input_ids=torch.tensor([prompt])).logits[0, -1].detach().double() / temperature
        expected = count * logits.exp() / logits.exp().sum()
        # 15 degrees of freedom: 37.7 is passed once in 1,000 draws
        assert ((seen - expected) ** 2 / expected).sum() < 37.7


def test_second_tokens_follow_the_softmax_after_the_first() -> None:
    """The cache is the row's own: pairs of tokens are as frequent as the chain rule says."""
    model, prompt, count = make_model(spread=0.3), [3, 4], 20_000
    settings = SamplingSettings(max_new_tokens=2, samples=count)
    generated = generate(model, make_tokenizer(), [prompt], settings, make_generator(2))
    pairs = torch.tensor([[first, second] for first in range(2, 16) for second in range(16)])
    ids = torch.cat([torch.tensor([prompt]).expand(len(pairs), 2), pairs], dim=1)
    with torch.no_grad():
        logs = completion_log_probabilities(model, ids, torch.ones_like(ids), 2, 1.0).double().sum(dim=1)
    codes = generated.sequences[:, 2] * 16 + generated.sequences[:, 3]
    seen = torch.bincount(codes, minlength=256).double()[pairs[:, 0] * 16 + pairs[:, 1]]
    expected = count * logs.exp()
    often = expected > 10
    statistic = ((seen - expected)[often] ** 2 / expected[often]).sum()
    freedom = int(often.sum())
    assert freedom > 30
    assert statistic < freedom + 4 * (2 * freedom) ** 0.5  # the mean of chi-square and four deviations


def test_a_row_says_the_same_whatever_the_rows_beside_it_do() -> None:
    model, tokenizer, settings = make_model(spread=0.02), make_tokenizer(), SamplingSettings(max_new_tokens=8)
    together = generate(model, tokenizer, [[3, 4], [5, 6], [7, 8]], settings, make_generator(3))
    beside = generate(model, tokenizer, [[9, 9], [5, 6], [10, 10]], settings, make_generator(3))
    assert completions_of(together)[1] == completions_of(beside)[1]


def test_top_k_and_top_p_leave_out_the_unlikely() -> None:
    logits = torch.tensor([[0.5, 0.3, 0.15, 0.05]]).log().expand(4000, 4)
    uniform = torch.rand(4000, generator=make_generator())
    two = choose_tokens(logits, SamplingSettings(top_k=2), uniform)
    assert set(two.tolist()) == {0, 1}
    assert (two == 0).float().mean() == pytest.approx(0.5 / 0.8, abs=0.03)
    # 0.5 + 0.3 does not reach 0.9, so the third is needed; the fourth is not
    assert set(choose_tokens(logits, SamplingSettings(top_p=0.9), uniform).tolist()) == {0, 1, 2}
    assert set(choose_tokens(logits, SamplingSettings(top_p=0.4), uniform).tolist()) == {0}


def test_uniform_numbers_at_the_edges_choose_real_tokens() -> None:
    logits = torch.tensor([[-torch.inf, 0.0, 0.0, -torch.inf]]).expand(3, 4)
    uniform = torch.tensor([0.0, 0.5, 1 - 2**-53], dtype=torch.float64)
    assert choose_tokens(logits, SamplingSettings(), uniform).tolist() == [1, 2, 2]


def test_broken_weights_end_the_run() -> None:
    for temperature in (0.0, 1.0):
        settings = SamplingSettings(temperature=temperature)
        with pytest.raises(RunError, match="not finite"):
            choose_tokens(torch.tensor([[0.0, torch.nan]]), settings, torch.zeros(1))


def test_generation_leaves_the_mode_of_the_policy_and_the_global_generator_alone() -> None:
    model = make_model().train()
    state = torch.random.get_rng_state()
    generate(model, make_tokenizer(), PROMPTS, SamplingSettings(max_new_tokens=2), make_generator())
    assert model.training
    assert torch.equal(state, torch.random.get_rng_state())


def test_a_prompt_that_leaves_no_room_and_impossible_settings_are_refused() -> None:
    with pytest.raises(BadInput, match="lower max_new_tokens"):
        generate(
            make_model(), make_tokenizer(), [[3] * 60], SamplingSettings(max_new_tokens=5), make_generator()
        )
    for wrong in (
        {"temperature": -1.0},
        {"top_p": 0.0},
        {"max_new_tokens": 0},
        {"samples": 0},
        {"top_k": -1},
    ):
        with pytest.raises(BadInput):
            SamplingSettings(**wrong)
