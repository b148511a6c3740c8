"""Prompts to token ids that leave room for an answer."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lm.rendering import encode_prompt


class EncodedPrompts(NamedTuple):
    """``ids``, one list a prompt, and how many prompts were ``truncated`` (they lost their beginning)."""

    ids: list[list[int]]
    truncated: int


def encode_prompts(
    tokenizer: Any, prompts: Sequence[tuple[str, Sequence[Mapping[str, str]]]], max_tokens: int
) -> EncodedPrompts:
    """Token ids of ``prompts``, (form, messages) each, the last ``max_tokens`` of them."""
    full = [encode_prompt(tokenizer, form, messages) for form, messages in prompts]
    truncated = sum(len(ids) > max_tokens for ids in full)
    return EncodedPrompts([ids[-max_tokens:] for ids in full], truncated)
