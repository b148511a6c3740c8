r"""Pairs whose answers hold the prompt: the way in which most published preference data is written.

chosen, rejected   lists of messages that begin with the same ones (TRL's "implicit prompt")
the same           beside the prompt, as a list or as the text of its one message (UltraFeedback)
chosen, rejected   texts "\n\nHuman: ...\n\nAssistant: ..." (Anthropic's HH-RLHF)
"""

import re
from typing import Any

from annotation.files.jsonl.fields import Fields

ANSWERS = ("chosen", "rejected")
_SPEAKER = re.compile(r"\n\n(Human|Assistant):")
_ROLES = {"Human": "user", "Assistant": "assistant"}


def part_prompt_from_answers(fields: Fields) -> None:
    """Leave the prompt in ``prompt``, as messages, and of each answer its last message. Raises BadField.

    What holds no prompt in its answers is left as it is.
    """
    answers = [fields.peek(name) for name in ANSWERS]
    prompt = fields.peek("prompt")
    if prompt is None and all(isinstance(answer, str) for answer in answers):
        answers = [_messages(fields, name, answer) for name, answer in zip(ANSWERS, answers, strict=True)]
    if not all(isinstance(answer, list) for answer in answers):
        return
    if prompt is None:
        prompt = answers[0][:-1]
        if not prompt:
            raise fields.bad("prompt", "is missing, and chosen has no message before the answer")
    elif isinstance(prompt, str):
        prompt = [{"role": "user", "content": prompt}]
    elif not isinstance(prompt, list):
        return
    if all(len(answer) == 1 for answer in answers):
        return
    for name, answer in zip(ANSWERS, answers, strict=True):
        if answer[:-1] != prompt:
            raise fields.bad(name, "must begin with the prompt and end with one message, the answer to it")
        fields.put(name, answer[-1:])
    fields.put("prompt", prompt)


def _messages(fields: Fields, name: str, text: str) -> list[dict[str, Any]]:
    before, *turns = _SPEAKER.split("\n\n" + text.lstrip("\n"))
    if before or not turns or turns[-2] != "Assistant":
        raise fields.bad(
            "prompt",
            f"is missing, and {name} does not hold it, as a list of messages or as "
            r'a text "\n\nHuman: ...\n\nAssistant: ..."',
        )
    return [
        {"role": _ROLES[speaker], "content": words.strip()}
        for speaker, words in zip(turns[::2], turns[1::2], strict=True)
    ]
