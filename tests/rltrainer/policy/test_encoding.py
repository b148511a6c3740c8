"""Prompts to ids, and batches padded on the left."""

import pytest
import torch

from lm.padding import left_pad
from rltrainer.policy.encoding import encode_prompts
from rltrainer.policy.prompts import Prompt
from runs.folder.errors import BadInput
from tests.lm.bases import STRICT
from tests.rltrainer.policy.factories import WORDS, make_tokenizer

MESSAGES = [{"role": "user", "content": "the cat sat on the mat"}]


def test_a_long_prompt_keeps_its_end_and_is_counted() -> None:
    tokenizer = make_tokenizer()
    short = [{"role": "user", "content": "the mat"}]
    encoded = encode_prompts(tokenizer, [Prompt("a", "text", MESSAGES), Prompt("b", "text", short)], 4)
    assert [tokenizer.convert_ids_to_tokens(ids) for ids in encoded.ids] == [
        ["sat", "on", "the", "mat"],
        ["the", "mat"],
    ]
    assert encoded.truncated == 1


def test_a_prompt_that_the_template_refuses_is_named() -> None:
    tokenizer = make_tokenizer()
    tokenizer.chat_template = STRICT
    answered = [{"role": "assistant", "content": "the mat"}, *MESSAGES]
    prompts = [Prompt("fits", "chat", MESSAGES), Prompt("does-not", "chat", answered)]
    with pytest.raises(BadInput, match=r"^prompt does-not: the chat template of this base refuses it"):
        encode_prompts(tokenizer, prompts, 60)


def test_a_prompt_does_not_end_in_eos() -> None:
    tokenizer = make_tokenizer()
    (ids,) = encode_prompts(tokenizer, [Prompt("a", "text", MESSAGES)], 100).ids
    assert ids == [3 + WORDS.index(word) for word in ["the", "cat", "sat", "on", "the", "mat"]]


def test_rows_are_padded_on_the_left() -> None:
    ids, mask = left_pad([[5, 6, 7], [8]], pad_id=0)
    assert torch.equal(ids, torch.tensor([[5, 6, 7], [0, 0, 8]]))
    assert torch.equal(mask, torch.tensor([[1, 1, 1], [0, 0, 1]]))
