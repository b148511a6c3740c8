"""Prompts and completions as token ids: the one rule for policies and reward models.

Prompt and completion are encoded **apart** and joined as ids:

    ids = encode_prompt(...) + encode_completion(...)

so no token straddles the border, and the ids of a completion do not depend on its prompt. EOS stands exactly once, at
the end, after truncation too. Where the tokenizer begins every text with BOS, a prompt begins with it once: a chat
template writes its own.

What a text spells is text: ``<|end|>`` in a prompt or a completion is the characters, never the token that ends an
answer. Control tokens come from the template and from here alone.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from lm.rendering import Messages, apply_template, goes_on, plain_template, render_prompt


class EncodedPrompt(NamedTuple):
    """Token ids of a prompt, and whether it was ``cut`` to fit."""

    ids: list[int]
    cut: bool


def encode_prompt(tokenizer: Any, form: str, messages: Messages) -> list[int]:
    """Token ids of the whole prompt, never empty and never ending in an EOS that the tokenizer adds by itself.

    Raises BadInput where the chat template refuses it.
    """
    if form == "chat" and getattr(tokenizer, "chat_template", None) is not None:
        ids: list[int] = apply_template(
            tokenizer, messages, tokenize=True, return_dict=False, sanitize_control_tokens=True
        )
        return ids
    ids = encode_text(tokenizer, render_prompt(tokenizer, form, messages), begin=True)
    if len(ids) > 1 and ids[-1] == tokenizer.eos_token_id:
        ids = ids[:-1]
    return ids


def encode_prompt_within(tokenizer: Any, form: str, messages: Messages, most: int) -> EncodedPrompt:
    """A prompt in at most ``most`` tokens: what it loses is its oldest words.

    A chat loses whole turns first, the system's last, then the beginning of the user's turn that is left, and of the
    assistant's where the prompt ends in it; BOS and what the template writes around a turn stay. Only where not even
    those have room, the last ``most`` tokens are taken.
    """
    ids = encode_prompt(tokenizer, form, messages)
    if len(ids) <= most:
        return EncodedPrompt(ids, cut=False)
    if form == "chat":
        for shorter in _without_oldest(messages):
            ids = encode_prompt(tokenizer, form, shorter)
            if len(ids) <= most:
                return EncodedPrompt(ids, cut=True)
        asks = -2 if goes_on(messages) and len(messages) > 1 else -1
        last, wordless = messages[asks:], [{**messages[asks], "content": ""}, *messages[asks:][1:]]
        for turns, place in ((shorter, asks), (last, asks), (wordless, -1)):
            fitting = _turn_within(tokenizer, turns, place, most)
            if fitting is not None:
                return EncodedPrompt(fitting, cut=True)
    return EncodedPrompt(_after_bos(tokenizer, ids, most), cut=True)


def encode_completion(tokenizer: Any, text: str) -> list[int]:
    """Token ids of a completion that ended by itself: its text, then EOS, exactly once."""
    return [*encode_text(tokenizer, text), tokenizer.eos_token_id]


def encode_text(tokenizer: Any, text: str, *, begin: bool = False) -> list[int]:
    """Token ids of a stranger's text, in which nothing is a control token; ``begin`` puts BOS and the like around."""
    options = {"split_special_tokens": True}  # which the tokenizer calls special, and would match in a text
    ids: list[int] = tokenizer(text, add_special_tokens=False, **options)["input_ids"]
    named = _tokens_of_template(tokenizer)
    spelt = next((named[number] for number in ids if number in named), "")
    if spelt and spelt in text:
        # In two parts, neither of which spells it.
        before, _, after = text.partition(spelt)
        ids = [
            token for part in (before + spelt[0], spelt[1:] + after) for token in encode_text(tokenizer, part)
        ]
        around: list[int] = tokenizer("")["input_ids"] if begin else []
        return [*around[:1], *ids, *around[1:]]
    return list(tokenizer(text, **options)["input_ids"]) if begin else ids


def give_template(tokenizer: Any) -> None:
    """Where the tokenizer has no chat template, Concord's own; none where it would give other token ids: a tokenizer
    that writes a space before every text writes none after a BOS of the template's."""
    if tokenizer.chat_template is not None:
        return
    expected = encode_prompt(tokenizer, "chat", _PROBE)
    tokenizer.chat_template = plain_template(tokenizer)
    if encode_prompt(tokenizer, "chat", _PROBE) != expected:
        tokenizer.chat_template = None


_PROBE = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Name a fruit."},
    {"role": "assistant", "content": "An apple."},
    {"role": "user", "content": "And another?"},
]
# A tokenizer's tokens are settled once it is loaded, and some have thousands.
_named: WeakKeyDictionary[Any, dict[int, str]] = WeakKeyDictionary()


def _tokens_of_template(tokenizer: Any) -> dict[int, str]:
    """What a chat template writes as one token although the tokenizer does not call it special, by its id."""
    if tokenizer not in _named:
        template = getattr(tokenizer, "chat_template", None) or ""
        added = getattr(tokenizer, "added_tokens_decoder", {})
        _named[tokenizer] = {
            number: token.content
            for number, token in added.items()
            if not token.special and token.content.strip() and token.content in template
        }
    return _named[tokenizer]


def _without_oldest(messages: Messages) -> list[Messages]:
    """The chat without its oldest turns, one after the other; what is left begins with the user, after the system."""
    first = next((place for place, message in enumerate(messages) if message["role"] != "system"), 0)
    system, turns = list(messages[:first]), list(messages[first:])
    begins = [place for place in range(1, len(turns)) if turns[place]["role"] == "user"]
    return [[*system, *turns[place:]] for place in begins] or [list(messages)]


def _turn_within(tokenizer: Any, messages: Messages, turn: int, most: int) -> list[int] | None:
    """The ids of a chat whose ``turn`` loses its beginning, or None where what stands around it has no room."""
    content = messages[turn]["content"]
    emptied = [dict(message) for message in messages]
    emptied[turn]["content"] = ""
    around = encode_prompt(tokenizer, "chat", emptied)
    room = most - len(around)
    if room < 1:
        return None
    whole = encode_prompt(tokenizer, "chat", messages)
    place = next((n for n, (a, b) in enumerate(zip(around, whole, strict=False)) if a != b), len(around))
    return [*around[:place], *encode_text(tokenizer, content)[-room:], *around[place:]]


def _after_bos(tokenizer: Any, ids: Sequence[int], most: int) -> list[int]:
    """The last ``most`` ids, the first of them the one that every text begins with."""
    begins = {tokenizer.bos_token_id, getattr(tokenizer, "cls_token_id", None)} - {None}
    if most > 1 and ids[0] in begins:
        return [ids[0], *ids[-(most - 1) :]]
    return list(ids[-most:])
