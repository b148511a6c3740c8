"""Records in the fields of our own kinds, and demonstrations as common data sets have them."""

from collections.abc import Iterator, Mapping
from typing import Any

from annotation.files.foreign.columns import (
    Values,
    answer_columns,
    column_and_prompt,
    kept,
    line_of,
    number_of,
    prompt_column,
)
from annotation.files.jsonl.dialogues import ANSWERS
from annotation.files.jsonl.errors import BadField
from annotation.files.jsonl.provenance import KEY, SPLITS

_NUMBERS = ("score", "strength", "priority")
_REPLIES = ("response", "output", "answer", "completion")


def own_kind(record: Mapping[str, Any]) -> str | None:
    """The kind whose fields the record has."""
    items = record.get("completions")
    if all(name in record for name in ANSWERS):
        return "pairs"
    if isinstance(items, list) and items and all(isinstance(item, dict) and "text" in item for item in items):
        return _kind_of_task(record, any(item.get("rank") is not None for item in items))
    if "prompt" in record and "completion" in record:
        return "ratings" if "score" in record else "demonstrations"
    return None


def _kind_of_task(record: Mapping[str, Any], ranked: bool) -> str:
    """Of several completions. What measures people says so itself, under our own key."""
    ours = record.get(KEY)
    purpose = ours.get("purpose") if isinstance(ours, dict) else None
    if "category" in record:
        return "flags"
    if not ranked and "verdict" not in record:
        return "skips" if "reason" in record else "completions"
    if purpose == "gold":
        return "gold" if "priority" in record else "gold_rankings"
    return {"repeat": "repeats", "adjudication": "adjudications"}.get(str(purpose), "rankings")


def as_they_are(record: Mapping[str, Any]) -> Iterator[Values]:
    """A line of ours. What a table writes as a text is a number where a number belongs."""
    line = dict(record)
    for name in _NUMBERS:
        if isinstance(line.get(name), str):
            line[name] = number_of(name, line[name])
    if line.get("split") not in {*SPLITS, None} and isinstance(line.get("metadata", {}), dict):
        line["metadata"] = {**line.get("metadata", {}), "split": line.pop("split")}
    yield line


def is_dialogue(record: Mapping[str, Any]) -> bool:
    """Messages that end with an answer, as data sets for supervised fine-tuning have them."""
    return isinstance(record.get("messages") or record.get("conversations"), list)


def dialogue(record: Mapping[str, Any]) -> Iterator[Values]:
    """The last answer is the demonstration. ShareGPT's from and value are role and content."""
    name = "messages" if record.get("messages") else "conversations"
    messages = [_message(name, message) for message in record[name]]
    if len(messages) < 2 or messages[-1]["role"] != "assistant":
        raise BadField(name, "must end with an answer of the assistant, after a question")
    yield {"prompt": messages[:-1], "completion": messages[-1]["content"], **kept(record, name)}


_ROLES = {"human": "user", "gpt": "assistant", "user": "user", "assistant": "assistant", "system": "system"}


def _message(field: str, message: Any) -> dict[str, Any]:
    if isinstance(message, dict):
        role, content = message.get("role", message.get("from")), message.get("content", message.get("value"))
        if role in _ROLES and content is not None:
            return {"role": _ROLES[role], "content": content}
    raise BadField(field, "must be a list of messages with role and content")


def is_instruction(record: Mapping[str, Any]) -> bool:
    """Alpaca, Dolly and their kin: an instruction, perhaps with an input, and an answer."""
    answered = any(name in record for name in _REPLIES)
    return answered and prompt_column(record) is not None and len(answer_columns(record)) < 2


def instruction(record: Mapping[str, Any]) -> Iterator[Values]:
    """The input follows the instruction after an empty line."""
    reply = next(name for name in _REPLIES if name in record)
    column, prompt = column_and_prompt(record)
    parts = [column, *(name for name in ("input", "context") if name in record and name != column)]
    prompt = prompt if len(parts) == 1 else "\n\n".join(str(record[name]) for name in parts)
    yield {"prompt": prompt, "completion": record[reply], **kept(record, reply, *parts)}


def is_to_rank(record: Mapping[str, Any]) -> bool:
    """Several answers in columns of their own, and nothing that says which is better."""
    return len(answer_columns(record)) >= 2 and prompt_column(record, set(answer_columns(record))) is not None


def to_rank(record: Mapping[str, Any]) -> Iterator[Values]:
    """A task."""
    columns = answer_columns(record)
    column, prompt = column_and_prompt(record, columns)
    texts = [{"text": record[name]} for name in columns]
    yield line_of(prompt, texts, record, *columns, column)


def is_prompt(record: Mapping[str, Any]) -> bool:
    """Nothing but a prompt."""
    return prompt_column(record) is not None


def prompt_alone(record: Mapping[str, Any]) -> Iterator[Values]:
    """A prompt with the rest as its metadata."""
    name = str(prompt_column(record))
    yield {"prompt": record[name], **kept(record, name)}
