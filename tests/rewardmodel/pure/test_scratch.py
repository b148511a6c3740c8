"""The tokenizer and the network made from scratch."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from lm.scratch import make_config, make_tokenizer

TEXTS = ["the cat sat on the mat", "the dog sat on the cat", "a bird sang over the hill"] * 3


def test_a_tokenizer_from_scratch_writes_every_text_and_reads_it_back() -> None:
    tokenizer = make_tokenizer(TEXTS, vocab_size=300)
    for text in ["the cat", " two  spaces .", "naïve 猫 🐈", "line\nend", ""]:
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_specials_of_a_tokenizer_from_scratch_are_distinct_and_never_added_by_themselves() -> None:
    tokenizer = make_tokenizer(TEXTS, vocab_size=300)
    specials = {tokenizer.pad_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id}
    assert specials == {0, 1, 2}
    assert not specials & set(tokenizer("the cat")["input_ids"])


def test_a_vocabulary_is_no_larger_than_the_texts_carry() -> None:
    # "abababab": 256 bytes, 3 specials, then "ab", "abab" (twice in each text) and at most one more merge.
    assert 260 <= len(make_tokenizer(["abababab"] * 2, vocab_size=4096)) <= 262
    assert len(make_tokenizer(TEXTS, vocab_size=265)) == 265


def test_a_vocabulary_without_room_for_all_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="259"):
        make_tokenizer(TEXTS, vocab_size=100)


def test_a_tokenizer_is_the_same_after_saving(tmp_path: Path) -> None:
    tokenizer = make_tokenizer(TEXTS, vocab_size=300)
    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    text = "the bird sat, over  there"
    assert again(text)["input_ids"] == tokenizer(text)["input_ids"]
    assert (again.pad_token_id, again.bos_token_id, again.eos_token_id) == (0, 1, 2)


def test_a_network_from_scratch_reads_its_tokenizers_ids() -> None:
    tokenizer = make_tokenizer(TEXTS, vocab_size=300)
    model = AutoModelForCausalLM.from_config(make_config(tokenizer, hidden=32, layers=2, heads=2, context=64))
    logits = model(torch.tensor([tokenizer("the cat sat")["input_ids"]])).logits
    assert logits.shape[-1] == len(tokenizer)


def test_a_width_that_heads_do_not_divide_is_refused() -> None:
    tokenizer = make_tokenizer(TEXTS, vocab_size=300)
    with pytest.raises(ValueError, match="hidden 30"):
        make_config(tokenizer, hidden=30, layers=1, heads=4, context=64)
