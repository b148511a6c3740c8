"""Prompts to token ids that leave room for an answer."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from lm.encoding import encode_prompt_within
from runs.folder.errors import BadInput


class PromptLike(Protocol):
    """What is asked of a policy."""

    @property
    def id(self) -> str: ...
    @property
    def form(self) -> str: ...
    @property
    def messages(self) -> Sequence[Mapping[str, str]]: ...


class EncodedPrompts(NamedTuple):
    """``ids``, one list a prompt, and how many prompts were ``truncated`` (they lost their oldest words)."""

    ids: list[list[int]]
    truncated: int


def encode_prompts(tokenizer: Any, prompts: Sequence[PromptLike], max_tokens: int) -> EncodedPrompts:
    """Token ids of ``prompts``, at most ``max_tokens`` each. Raises BadInput naming one that the template refuses."""
    encoded = []
    for prompt in prompts:
        try:
            encoded.append(encode_prompt_within(tokenizer, prompt.form, prompt.messages, max_tokens))
        except BadInput as error:
            raise BadInput(f"prompt {prompt.id}: {error}") from error
    return EncodedPrompts([prompt.ids for prompt in encoded], sum(prompt.cut for prompt in encoded))
