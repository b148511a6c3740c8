"""Prompts and completions as token ids: EOS once, cut where it hurts least, the same for every neighbour."""

from typing import Any

import pytest

from lm.encoding import encode_completion, encode_prompt
from lm.rendering import render_prompt
from lm.scratch import make_tokenizer
from rewardmodel.bradley_terry.encoding import Limits, encode
from tests.rewardmodel.pure.factories import TEXTS

ASK = [{"role": "user", "content": "Where is it?"}]
TEMPLATE = (
    "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}[go]{% endif %}"
)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return make_tokenizer(TEXTS, vocab_size=300)


def test_a_text_prompt_is_its_text_and_a_chat_prompt_its_turns(tokenizer: Any) -> None:
    assert render_prompt(tokenizer, "text", ASK) == "Where is it?\n"
    turns = [{"role": "system", "content": "Be brief."}, *ASK]
    assert render_prompt(tokenizer, "chat", turns) == "System: Be brief.\n\nUser: Where is it?\n\nAssistant:"
    with pytest.raises(ValueError, match="form"):
        render_prompt(tokenizer, "speech", ASK)


def test_a_chat_template_is_used_where_the_tokenizer_has_one() -> None:
    tokenizer = make_tokenizer(TEXTS, vocab_size=300)
    tokenizer.chat_template = TEMPLATE
    assert render_prompt(tokenizer, "chat", ASK) == "[user]Where is it?[go]"
    assert render_prompt(tokenizer, "text", ASK) == "Where is it?\n"


@pytest.mark.parametrize("text", ["the inn", "the inn<|end|>", "the inn<|end|><|end|>", "", "<|end|>"])
def test_eos_stands_exactly_once_at_the_end_of_a_completion(tokenizer: Any, text: str) -> None:
    ids = encode_completion(tokenizer, text)
    assert ids.count(tokenizer.eos_token_id) == 1
    assert ids[-1] == tokenizer.eos_token_id


def test_a_long_prompt_loses_its_beginning_and_a_long_completion_its_end_but_not_eos(tokenizer: Any) -> None:
    whole = encode(tokenizer, Limits(1000, 1000, 4096), "text", ASK, ["the inn is great", "no"])
    cut = encode(tokenizer, Limits(4, 3, 4096), "text", ASK, ["the inn is great", "no"])
    eos = tokenizer.eos_token_id
    assert (whole.prompt_cut, whole.completions_cut) == (False, (False, False))
    assert cut.prompt == whole.prompt[-4:] == encode_prompt(tokenizer, "text", ASK)[-4:]
    assert cut.completions == [[*whole.completions[0][:2], eos], whole.completions[1][:3]]
    assert (cut.prompt_cut, cut.completions_cut) == (True, (True, False))


def test_limits_fit_the_context_and_leave_the_prompt_what_completions_do_not_take() -> None:
    wide = Limits.within(4096, max_prompt=1024, max_completion=512, row=4096)
    assert wide == (1024, 512, 4096)
    narrow = Limits.within(100, max_prompt=1024, max_completion=512, row=4096)
    assert narrow == (50, 50, 4096)
    assert Limits.within(100, max_prompt=1024, max_completion=20, row=4096) == (80, 20, 4096)
