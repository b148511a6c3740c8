"""Completions that share their prompt score as they would alone; a trunk that cannot do so is found out."""

from typing import Any

import pytest
import torch
from transformers import (
    BertConfig,
    BloomConfig,
    ElectraConfig,
    Gemma2Config,
    Gemma3TextConfig,
    GemmaConfig,
    GPT2Config,
    GPTNeoXConfig,
    GraniteConfig,
    MistralConfig,
    Olmo2Config,
    OPTConfig,
    Phi3Config,
    Qwen2Config,
    Qwen3Config,
    RobertaConfig,
    SmolLM3Config,
)

from rewardmodel.bradley_terry.encoding import Encoded, Limits, Row, rows_of
from rewardmodel.bradley_terry.packing import block_mask, collate, last_real, packing_is_exact
from tests.rewardmodel.pure.factories import make_network

CPU = torch.device("cpu")
PROMPTS = [[5, 6, 7, 8, 9], [10, 11]]
COMPLETIONS = [[[20, 21, 2], [22, 2], [20, 21, 23, 24, 2]], [[25, 2], [26, 27, 28, 2]]]
ROWS = [Row(prompt, completions) for prompt, completions in zip(PROMPTS, COMPLETIONS, strict=True)]
LIMITS = Limits(64, 64, 4096)
SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
SMALL: dict[str, Any] = {
    "vocab_size": 300,
    "max_position_embeddings": 128,
    "pad_token_id": 0,
    "bos_token_id": 1,
}


def score_alone(network: Any, prompt: list[int], completion: list[int]) -> torch.Tensor:
    """No mask, no padding, no neighbours: the state of the last token through the head."""
    states = network.trunk(input_ids=torch.tensor([prompt + completion])).last_hidden_state
    score: torch.Tensor = states[0, -1] @ network.head.weight[0] + network.head.bias[0]
    return score


def gradients(network: Any) -> torch.Tensor:
    return torch.cat([value.grad.flatten() for value in network.parameters() if value.grad is not None])


@pytest.mark.parametrize("share", [True, False])
def test_scores_and_gradients_of_a_batch_are_those_of_each_completion_alone(share: bool) -> None:
    _, network = make_network()
    rows = ROWS if share else [Row(row.prompt, [ids]) for row in ROWS for ids in row.completions]
    weights = torch.tensor([1.0, -2.0, 0.5, 3.0, -1.0])
    batched = network(collate(rows, share=share, pad_id=0, device=CPU))
    torch.autograd.backward(batched @ weights)
    together = gradients(network)
    network.zero_grad(set_to_none=True)
    alone = torch.stack([score_alone(network, row.prompt, ids) for row in ROWS for ids in row.completions])
    torch.autograd.backward(alone @ weights)
    torch.testing.assert_close(batched, alone, rtol=0, atol=1e-5)
    torch.testing.assert_close(together, gradients(network), rtol=0, atol=1e-4)
    assert float(alone.detach().std()) > 0.1  # scores so near to each other would hide a fault


def test_the_mask_shows_the_prompt_and_the_own_completion_up_to_itself() -> None:
    # prompt, prompt, a, a, b, padding
    seen = (block_mask(torch.tensor([[0, 0, 1, 1, 2, -1]]))[0, 0] == 0).int().tolist()
    assert seen == [
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 0, 0, 1, 0],
        [1, 1, 0, 0, 0, 1],
    ]


def test_positions_restart_after_the_prompt_and_scores_are_read_at_each_end() -> None:
    batch = collate(ROWS, share=True, pad_id=0, device=CPU)
    assert batch.positions[0].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 5, 6, 5, 6, 7, 8, 9]
    assert batch.positions[1, :8].tolist() == [0, 1, 2, 3, 2, 3, 4, 5]
    assert list(zip(batch.rows.tolist(), batch.columns.tolist(), strict=True)) == [
        (0, 7),
        (0, 9),
        (0, 14),
        (1, 3),
        (1, 7),
    ]


def test_the_last_real_token_is_found_by_the_mask_on_either_side_of_the_padding() -> None:
    mask = torch.tensor([[1, 1, 1, 0], [0, 1, 1, 1], [1, 0, 0, 0], [1, 1, 1, 1]])
    assert last_real(mask).tolist() == [[0, 2], [1, 3], [2, 0], [3, 3]]


def test_a_score_sees_whether_an_answer_ended_even_where_pad_is_eos() -> None:
    _, network = make_network()
    ended, not_ended = (
        network(collate([Row([5, 6], [ids]), Row([5] * 9, [[6]])], share=False, pad_id=2, device=CPU))[0]
        for ids in ([20, 21, 2], [20, 21])
    )
    assert abs(float((ended - not_ended).detach())) > 0.01


def test_rows_take_completions_until_the_limit_and_keep_their_order() -> None:
    encoded = Encoded([1, 1, 1], [[4, 2], [5, 2], [6, 6, 2], [7, 2]], False, (False,) * 4)
    rows = rows_of(encoded, share=True, limit=7)
    assert [row.completions for row in rows] == [[[4, 2], [5, 2]], [[6, 6, 2]], [[7, 2]]]
    assert len(rows_of(encoded, share=True, limit=100)) == 1
    assert len(rows_of(encoded, share=False, limit=100)) == 4


@pytest.mark.parametrize(
    "config",
    [
        GPT2Config(vocab_size=300, n_embd=32, n_layer=2, n_head=4, n_positions=128),
        GPTNeoXConfig(**SIZES, **SMALL),
        MistralConfig(**SIZES, **SMALL, num_key_value_heads=2),
        OPTConfig(
            **SMALL,
            hidden_size=32,
            ffn_dim=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            word_embed_proj_dim=32,
        ),
        Phi3Config(**SIZES, **SMALL),
        Qwen2Config(**SIZES, **SMALL, num_key_value_heads=2),
        Qwen3Config(**SIZES, **SMALL, num_key_value_heads=2, head_dim=8),
        GemmaConfig(**SIZES, **SMALL, num_key_value_heads=2, head_dim=8),
        Gemma3TextConfig(**SIZES, **SMALL, num_key_value_heads=2, head_dim=8),
        Olmo2Config(**SIZES, **SMALL, num_key_value_heads=2),
        GraniteConfig(**SIZES, **SMALL, num_key_value_heads=2),
        SmolLM3Config(**SIZES, **SMALL, num_key_value_heads=2),
    ],
    ids=lambda config: config.model_type,
)
def test_well_known_trunks_share_the_prompt_exactly(config: Any) -> None:
    _, network = make_network(config=config)
    assert packing_is_exact(network.trunk, LIMITS, pad_id=0)
    batched = network(collate(ROWS, share=True, pad_id=0, device=CPU))
    alone = torch.stack([score_alone(network, row.prompt, ids) for row in ROWS for ids in row.completions])
    torch.testing.assert_close(batched, alone, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "config",
    [
        BloomConfig(vocab_size=300, hidden_size=32, n_layer=2, n_head=4),
        BertConfig(**SIZES, **SMALL),
        RobertaConfig(**SIZES, **{**SMALL, "pad_token_id": 1}),
        ElectraConfig(**SIZES, **SMALL, embedding_size=16),
    ],
    ids=lambda config: config.model_type,
)
def test_a_trunk_that_cannot_share_gets_a_row_a_completion_and_scores_the_same(config: Any) -> None:
    """It places tokens by itself, or sees what comes after them."""
    _, network = make_network(config=config)
    assert not packing_is_exact(network.trunk, LIMITS, pad_id=0)
    rows = [Row(row.prompt, [ids]) for row in ROWS for ids in row.completions]
    batched = network(collate(rows, share=False, pad_id=0, device=CPU))
    alone = torch.stack([score_alone(network, row.prompt, ids) for row in ROWS for ids in row.completions])
    torch.testing.assert_close(batched, alone, rtol=0, atol=1e-5)


def test_a_trunk_that_ignores_the_mask_is_found_out() -> None:
    _, network = make_network()
    trunk = network.trunk
    forward = type(trunk).forward

    class Careless(type(trunk)):  # type: ignore[misc]
        def forward(self, input_ids: Any, attention_mask: Any, position_ids: Any, use_cache: bool) -> Any:
            return forward(self, input_ids=input_ids, position_ids=position_ids, use_cache=use_cache)

    trunk.__class__ = Careless
    assert not packing_is_exact(trunk, LIMITS, pad_id=0)


def test_a_sliding_window_shorter_than_the_texts_gives_each_completion_its_own_row() -> None:
    config = MistralConfig(**SIZES, **SMALL, num_key_value_heads=2, sliding_window=16)
    _, network = make_network(config=config)
    assert not packing_is_exact(network.trunk, LIMITS, pad_id=0)
    assert packing_is_exact(network.trunk, Limits(8, 8, 4096), pad_id=0)


@pytest.mark.parametrize(("window", "share"), [(4096, True), (16, False)])
def test_gemma_2_shares_its_prompt_only_where_that_is_exact(window: int, share: bool) -> None:
    """Half of its layers see a window of the text only: shared where that holds prompt and completion."""
    config = Gemma2Config(**SIZES, **SMALL, num_key_value_heads=2, head_dim=8, sliding_window=window)
    _, network = make_network(config=config)
    assert packing_is_exact(network.trunk, LIMITS, pad_id=0) == share
    rows = ROWS if share else [Row(row.prompt, [ids]) for row in ROWS for ids in row.completions]
    batched = network(collate(rows, share=share, pad_id=0, device=CPU))
    alone = torch.stack([score_alone(network, row.prompt, ids) for row in ROWS for ids in row.completions])
    torch.testing.assert_close(batched, alone, rtol=0, atol=1e-5)
