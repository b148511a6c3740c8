"""log pi of completions against the architecture's own logits, one sequence at a time, without padding."""

from typing import Any

import pytest
import torch
from transformers import (
    Gemma2Config,
    GemmaConfig,
    GPT2Config,
    GPTNeoXConfig,
    GraniteConfig,
    OPTConfig,
    Qwen2Config,
)

from lm.padding import left_pad
from rltrainer.policy import log_probabilities
from rltrainer.policy.forward import check_head
from rltrainer.policy.log_probabilities import completion_figures, completion_log_probabilities
from runs.folder.errors import BadInput
from tests.rltrainer.policy.factories import make_from_config, make_model

PROMPTS = [[5, 6, 7, 8, 9], [10, 11], [3, 4, 5]]
COMPLETIONS = [[4, 5, 6, 1], [7, 8, 9, 10], [12, 13, 1]]
SMALL = {"vocab_size": 16, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}


def make_batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Prompts left-padded to 5, completions right-padded to 4."""
    prompts, mask = left_pad(PROMPTS, pad_id=0)
    tokens = torch.tensor([row + [0] * (4 - len(row)) for row in COMPLETIONS])
    real = torch.tensor([[1] * len(row) + [0] * (4 - len(row)) for row in COMPLETIONS])
    return torch.cat([prompts, tokens], dim=1), torch.cat([mask, real], dim=1)


def brute_force(model: Any, temperature: float) -> torch.Tensor:
    """(3, 4): each sequence alone, the whole softmax written out in float64; 0 after the end."""
    result = torch.zeros(3, 4, dtype=torch.float64)
    for row, (prompt, completion) in enumerate(zip(PROMPTS, COMPLETIONS, strict=True)):
        logits = model(input_ids=torch.tensor([prompt + completion])).logits[0].double() / temperature
        for index, token in enumerate(completion):
            weights = logits[len(prompt) + index - 1].exp()
            result[row, index] = (weights[token] / weights.sum()).log()
    return result


@pytest.mark.parametrize("temperature", [1.0, 0.7, 2.0])
def test_padded_batch_equals_the_full_softmax_of_each_sequence_alone(temperature: float) -> None:
    model, (ids, mask) = make_model(), make_batch()
    with torch.no_grad():
        ours = completion_log_probabilities(model, ids, mask, 5, temperature)
        expected = brute_force(model, temperature)
    assert ours.dtype == torch.float32
    torch.testing.assert_close(ours.double(), expected, rtol=0, atol=1e-5)


ARCHITECTURES = [
    Qwen2Config(**SMALL, num_key_value_heads=2, intermediate_size=48),
    GemmaConfig(**SMALL, num_key_value_heads=2, intermediate_size=48, head_dim=8),
    Gemma2Config(
        **SMALL, num_key_value_heads=2, intermediate_size=48, head_dim=8, final_logit_softcapping=0.5
    ),
    GraniteConfig(**SMALL, num_key_value_heads=2, intermediate_size=48, logits_scaling=4.0),
    GPT2Config(vocab_size=16, n_embd=32, n_layer=2, n_head=4, bos_token_id=1, eos_token_id=1),
    GPTNeoXConfig(**SMALL, intermediate_size=48),
    OPTConfig(**SMALL, ffn_dim=48, word_embed_proj_dim=32),
]


@pytest.mark.parametrize("config", ARCHITECTURES, ids=lambda config: config.model_type)
def test_every_architecture_gives_its_own_softmax(config: Any) -> None:
    config.initializer_range = 0.3
    config.init_std = 0.3
    model, (ids, mask) = make_from_config(config), make_batch()
    check_head(model)
    with torch.no_grad():
        ours = completion_log_probabilities(model, ids, mask, 5, 1.0)
        torch.testing.assert_close(ours.double(), brute_force(model, 1.0), rtol=0, atol=1e-5)


def test_a_head_that_does_something_unknown_is_refused() -> None:
    model = make_model()
    scale = torch.nn.Linear(32, 16, bias=False)
    scale.weight = model.lm_head.weight
    forward = model.forward
    model.forward = lambda **inputs: _doubled(forward(**inputs))
    with pytest.raises(BadInput, match="another base"):
        check_head(model)


def _doubled(output: Any) -> Any:
    output.logits = output.logits * 2
    return output


def test_chunks_change_neither_figures_nor_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    model, (ids, mask) = make_model(), make_batch()

    def figures_and_gradient() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        model.zero_grad()
        figures = completion_figures(model, ids, mask, 5, 0.8)
        torch.autograd.backward(figures.log_probabilities.mean() + 0.3 * figures.entropy.mean())
        return *(part.detach() for part in figures), model.model.layers[0].mlp.up_proj.weight.grad.clone()

    whole = figures_and_gradient()
    monkeypatch.setattr(log_probabilities, "LOGITS_AT_ONCE", 3 * 16)  # three positions of 16 logits at once
    for one, other in zip(whole, figures_and_gradient(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)


def test_gradient_equals_finite_differences() -> None:
    model, (ids, mask) = make_model().double(), make_batch()
    weight = model.model.layers[1].mlp.down_proj.weight
    torch.autograd.backward(completion_log_probabilities(model, ids, mask, 5, 1.0).sum())
    gradient, step = weight.grad[3, 7].item(), 1e-3
    sums = []
    with torch.no_grad():
        for change in (step, -2 * step):
            weight[3, 7] += change
            sums.append(completion_log_probabilities(model, ids, mask, 5, 1.0).sum().item())
    # float32 log-probabilities: an error of 1e-6 over 2e-3
    assert gradient == pytest.approx((sums[0] - sums[1]) / (2 * step), abs=5e-3)


def test_entropy_is_that_of_the_tempered_distribution() -> None:
    model, (ids, mask) = make_model(), make_batch()
    with torch.no_grad():
        entropy = completion_figures(model, ids, mask, 5, 0.7).entropy
        logits = model(input_ids=torch.tensor([PROMPTS[1] + COMPLETIONS[1]])).logits[0].double() / 0.7
    chances = logits[1:5].exp() / logits[1:5].exp().sum(dim=-1, keepdim=True)  # before each completion token
    expected = -(chances * chances.log()).sum(dim=-1)
    torch.testing.assert_close(entropy[1].double(), expected, rtol=0, atol=1e-5)
    assert entropy[2, 3] == 0  # after the end


def test_temperature_zero_and_a_missing_prompt_are_refused() -> None:
    model, (ids, mask) = make_model(), make_batch()
    with pytest.raises(ValueError, match="temperature"):
        completion_log_probabilities(model, ids, mask, 5, 0.0)
    with pytest.raises(ValueError, match="prompt"):
        completion_log_probabilities(model, ids, mask, 0, 1.0)
