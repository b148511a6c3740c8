"""A tokenizer and a network made from scratch, for when there is no base to start from.

The tokenizer is a byte-level BPE (Radford et al. 2019), so that every text can be written; the network is a
small Llama (Touvron et al. 2302.13971).
"""

from collections.abc import Iterable

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, PreTrainedTokenizerFast

PAD, BOS, EOS = "<|pad|>", "<|begin|>", "<|end|>"
# The 256 bytes and the three specials: a smaller vocabulary could not write every text.
LEAST_VOCABULARY = 259


def make_tokenizer(texts: Iterable[str], *, vocab_size: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE trained on ``texts``, with distinct pad (0), bos (1) and eos (2).

    ``vocab_size`` is the most it may have: only pairs that occur at least twice are merged, so few texts make
    fewer tokens. It adds no special token by itself, strips nothing, and decodes to the same text.
    The same texts in the same order give the same tokenizer.
    Raises ValueError where ``vocab_size`` has no room for the 256 bytes and three specials.
    """
    if vocab_size < LEAST_VOCABULARY:
        raise ValueError(f"a vocabulary must have at least {LEAST_VOCABULARY} tokens, not {vocab_size}")
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        special_tokens=[PAD, BOS, EOS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        pad_token=PAD,
        bos_token=BOS,
        eos_token=EOS,
        clean_up_tokenization_spaces=False,
    )


def make_config(
    tokenizer: PreTrainedTokenizerFast, *, hidden: int, layers: int, heads: int, context: int
) -> LlamaConfig:
    """A small Llama for ``tokenizer``: ``hidden`` is its width, ``context`` the most tokens a text may have.

    Input and output embeddings are one matrix: at this size they are half of all parameters.
    Raises ValueError where ``heads`` does not divide ``hidden`` into even parts (rotary embeddings turn pairs).
    """
    if hidden % heads or hidden // heads % 2:
        raise ValueError(f"hidden {hidden} must be heads {heads} times an even number")
    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=_feed_forward(hidden),
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        max_position_embeddings=context,
        tie_word_embeddings=True,
        attention_dropout=0.0,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )


def _feed_forward(hidden: int) -> int:
    """8/3 of the width, so that the gated layer has the parameters of a plain one of 4 (2002.05202)."""
    return (hidden * 8 // 3 + 15) // 16 * 16
