"""A prompt's digest, and the split that its first user turn decides."""

import hashlib
import json
from collections.abc import Mapping, Sequence

# Tenths of all prompts: eight train, one validation, one test.
_SPLIT_OF_TENTH = ["train"] * 8 + ["validation", "test"]


def text_digest(text: str) -> str:
    """sha256 of a text's UTF-8, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def prompt_digest(form: str, messages: Sequence[Mapping[str, str]]) -> str:
    """sha256 of the form and the messages: a text prompt and a chat prompt of the same words differ."""
    turns = [[message["role"], message["content"]] for message in messages]
    return text_digest(json.dumps([form, turns], ensure_ascii=False))


def opening_digest(messages: Sequence[Mapping[str, str]]) -> str:
    """sha256 of the first user turn's text (of the first turn where none is a user's), in hex.

    A dialogue and its continuation share it, so whatever goes by it never parts them.
    """
    first = next((m["content"] for m in messages if m["role"] == "user"), messages[0]["content"])
    return text_digest(first)


def split_of_opening(opening: str) -> str:
    """The split's name, by an opening's digest: the same in every project."""
    return _SPLIT_OF_TENTH[int(opening, 16) % 10]


def split_of(messages: Sequence[Mapping[str, str]]) -> str:
    """The split's name of a prompt that says none itself."""
    return split_of_opening(opening_digest(messages))
