"""Tokenizers as bases bring them: with templates that refuse, that date, and that use tokens of their own."""

from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

TEXTS = ["Name a fruit.", "An apple is a fruit.", "Count to three.", "One, two, three.", "Be brief."] * 4
TURN = "<{{ m['role'] }}>{{ m['content'] }}</{{ m['role'] }}>\n"
GO = "{% if add_generation_prompt %}<assistant>{% endif %}"
PLAIN = "{{ bos_token }}{% for m in messages %}" + TURN + "{% endfor %}" + GO
# User and assistant in turns, and no system message.
STRICT = (
    "{{ bos_token }}{% for m in messages %}"
    "{% if m['role'] == 'system' %}{{ raise_exception('no system messages here') }}{% endif %}"
    "{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must take turns') }}{% endif %}"
    + TURN
    + "{% endfor %}"
    + GO
)
DATED = "It is {{ strftime_now('%d %b %Y %H:%M') }}.\n" + PLAIN
# It puts the format together itself.
DATED_LATE = "{% set f = '%d' %}It is {{ strftime_now(f + ' %b') }}.\n" + PLAIN


def make_tokenizer(template: str | None = None, *, begins: bool = False) -> Any:
    """Byte-level BPE with pad 0, bos 1 and eos 2; with ``begins`` it puts BOS before every text."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<|pad|>", "<|start|>", "<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator(TEXTS, trainer)
    if begins:
        raw.post_processor = processors.TemplateProcessing(
            single="<|start|> $A", special_tokens=[("<|start|>", 1)]
        )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        pad_token="<|pad|>",
        bos_token="<|start|>",
        eos_token="<|end|>",
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = template
    return tokenizer
