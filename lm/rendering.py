"""How a prompt and a completion become one row of tokens: the same for policies and reward models.

The prompt is rendered to a text, and prompt and completion are encoded **apart** and joined as ids:

    ids = encode_prompt(...) + encode_completion(...)

so no token straddles the border, and the ids of a completion do not depend on its prompt. EOS stands exactly
once, at the end, after truncation too; a prompt that is too long loses its beginning. Where the tokenizer
begins every text with BOS, a prompt begins with it once: a chat template writes its own.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Messages = Sequence[Mapping[str, str]]

ROLES = {"system": "System", "user": "User", "assistant": "Assistant"}


def render_prompt(tokenizer: Any, form: str, messages: Messages) -> str:
    """The text that a completion follows.

    A text prompt is its text and a line's end. A chat prompt goes through the tokenizer's chat template, up to
    where the assistant begins to speak, or else through ``plain_chat``. Raises ValueError for another form.
    """
    if form == "text":
        return "".join(message["content"] for message in messages) + "\n"
    if form != "chat":
        raise ValueError(f'the form of a prompt is "text" or "chat", not {form!r}')
    if getattr(tokenizer, "chat_template", None) is None:
        return plain_chat(messages)
    plain = [{"role": message["role"], "content": message["content"]} for message in messages]
    return str(tokenizer.apply_chat_template(plain, add_generation_prompt=True, tokenize=False))


def encode_prompt(tokenizer: Any, form: str, messages: Messages) -> list[int]:
    """Token ids of the rendered prompt, never empty and never ending in an EOS that the tokenizer adds by itself."""
    templated = form == "chat" and getattr(tokenizer, "chat_template", None) is not None
    text = render_prompt(tokenizer, form, messages)
    ids: list[int] = tokenizer(text, add_special_tokens=not templated)["input_ids"]
    if not templated and len(ids) > 1 and ids[-1] == tokenizer.eos_token_id:
        ids = ids[:-1]
    return ids


def encode_completion(tokenizer: Any, text: str) -> list[int]:
    """Token ids of a completion that ended by itself: its text, then EOS, exactly once."""
    eos = tokenizer.eos_token_id
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    while ids and ids[-1] == eos:  # a text may spell its own EOS at its end
        ids = ids[:-1]
    return [*ids, eos]


def plain_chat(messages: Messages) -> str:
    """Concord's own chat format: ``User: ...``, ``Assistant: ...``, a blank line between turns."""
    turns = [f"{ROLES[message['role']]}: {message['content']}\n\n" for message in messages]
    return "".join(turns) + ROLES["assistant"] + ":"
