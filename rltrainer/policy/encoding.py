"""Prompts and completions to token ids."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rewardmodel.backbone.rendering import render_prompt


class EncodedPrompts(NamedTuple):
    """``ids``, one list a prompt, and how many prompts were ``truncated`` (they lost their beginning)."""

    ids: list[list[int]]
    truncated: int


def encode_prompts(
    tokenizer: Any, prompts: Sequence[tuple[str, Sequence[Mapping[str, str]]]], max_tokens: int
) -> EncodedPrompts:
    """Token ids of ``prompts``, (form, messages) each, the last ``max_tokens`` of them."""
    full = [tokenizer(render_prompt(tokenizer, form, messages))["input_ids"] for form, messages in prompts]
    truncated = sum(len(ids) > max_tokens for ids in full)
    return EncodedPrompts([ids[-max_tokens:] for ids in full], truncated)


def encode_completion(tokenizer: Any, text: str) -> list[int]:
    """Token ids of a completion that ended by itself: its text, then EOS."""
    return [*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
