"""Messages to the text that a completion follows: the same for policies and reward models.

A text prompt is its text and a line's end. A chat prompt goes through the tokenizer's chat template, up to where the
assistant begins to speak, or else through ``plain_chat``. Where the last words are the assistant's own, the completion
goes on with them: nothing stands between. Where a template refuses the turns as they are (no system turn, or two of one
role in a row), they are put as it takes them, and where it refuses those too, that is said.

A template may state the date. Today's would make each run, and each day of one run, another; so a base's template is
given one (``dated``) when it is loaded, and whatever is made from the base keeps it in its own template.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date as day
from datetime import datetime
from typing import Any

from jinja2 import TemplateError

from runs.folder.errors import BadInput

Messages = Sequence[Mapping[str, str]]

ROLES = {"system": "System", "user": "User", "assistant": "Assistant"}
# The day that a template states where nobody says another.
DATE = "2026-01-01"
# A template's own, and the library's where a template leaves out a part of the words that are to be gone on with.
_REFUSALS = (TemplateError, ValueError)
_NOW = re.compile(r"""strftime_now\(\s*(?P<quote>['"])(?P<format>.*?)(?P=quote)\s*\)""")


def render_prompt(tokenizer: Any, form: str, messages: Messages) -> str:
    """The text that a completion follows. Raises ValueError for another form, BadInput where a template refuses it."""
    if form == "text":
        return "".join(message["content"] for message in messages) + "\n"
    if form != "chat":
        raise ValueError(f'the form of a prompt is "text" or "chat", not {form!r}')
    if getattr(tokenizer, "chat_template", None) is None:
        return plain_chat(messages)
    return str(apply_template(tokenizer, messages, tokenize=False))


def apply_template(tokenizer: Any, messages: Messages, **options: Any) -> Any:
    """The tokenizer's own chat template, with the turns as it takes them. Raises BadInput where it takes neither."""
    as_given = [{"role": message["role"], "content": message["content"]} for message in messages]
    options["add_generation_prompt"] = not goes_on(messages)
    options["continue_final_message"] = goes_on(messages)
    try:
        return tokenizer.apply_chat_template(as_given, **options)
    except _REFUSALS as error:
        adapted = in_turns(as_given)
        if adapted == as_given:
            raise _refused(error) from error
    try:
        return tokenizer.apply_chat_template(adapted, **options)
    except _REFUSALS as error:
        raise _refused(error) from error


def goes_on(messages: Messages) -> bool:
    """Whether a completion goes on with what the assistant has begun to say."""
    return bool(messages) and messages[-1]["role"] == "assistant"


def in_turns(messages: Messages) -> list[dict[str, str]]:
    """User and assistant in turns: what the system says stands before the user's next words, and so does what one
    role says twice in a row, a blank line between."""
    turns: list[dict[str, str]] = []
    for message in messages:
        role = "user" if message["role"] == "system" else message["role"]
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += "\n\n" + message["content"]
        else:
            turns.append({"role": role, "content": message["content"]})
    return turns


def plain_chat(messages: Messages) -> str:
    """Concord's own chat format: ``User: ...``, ``Assistant: ...``, a blank line between turns."""
    turns = [f"{ROLES[message['role']]}: {message['content']}" for message in messages]
    return "\n\n".join(turns if goes_on(messages) else [*turns, f"{ROLES['assistant']}:"])


def plain_template(tokenizer: Any) -> str:
    """``plain_chat`` as a chat template, for programs that ask a tokenizer for one.

    An answer at the end of a whole chat stands as a completion does: right behind the colon, and then EOS. So a prompt
    that ends in the assistant's own words is not what ``plain_chat`` makes of it.
    """
    begins = tokenizer("")["input_ids"][:1] == [tokenizer.bos_token_id]
    answer = "m['role'] == 'assistant' and loop.last and not add_generation_prompt"
    return (
        ("{{ bos_token }}" if begins else "")
        + "{% for m in messages %}{% if "
        + answer
        + " %}"
        + ROLES["assistant"]
        + ":{{ m['content'] }}{{ eos_token }}{% else %}{{ "
        + str(ROLES)
        + "[m['role']] }}: {{ m['content'] }}{% if not loop.last %}{{ '\\n\\n' }}{% endif %}{% endif %}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '\\n\\n"
        + ROLES["assistant"]
        + ":' }}{% endif %}"
    )


def dated(template: str, date: str) -> str:
    """``template`` with the day ``date`` (YYYY-MM-DD), at midnight, wherever it writes the time of its rendering."""
    day = datetime.fromisoformat(date)

    def literal(match: re.Match[str]) -> str:
        text = day.strftime(match["format"]).replace("\\", "\\\\").replace("'", "\\'")
        return f"'{text}'"

    written = _NOW.sub(literal, template)
    if "strftime_now(" not in written:
        return written
    # A format that the template puts together itself: a macro goes before the function of that name.
    return f"{{%- macro strftime_now(format) -%}}{date}{{%- endmacro -%}}{written}"


def check_date(date: str) -> None:
    """Raises BadInput where ``date`` is no day."""
    try:
        day.fromisoformat(date)
    except ValueError as error:
        raise BadInput(f"date is {date!r}: it must be a day as 2026-01-31") from error


def _refused(error: Exception) -> BadInput:
    return BadInput(
        f"the chat template of this base refuses it ({error}): change the prompt, or use another base"
    )
