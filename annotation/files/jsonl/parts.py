"""What the kinds share: a prompt, the completions of a line, its metadata, its digest."""

import hashlib
import json
import re
from typing import Any

from annotation.files.jsonl.decoding import decode
from annotation.files.jsonl.errors import BadField
from annotation.files.jsonl.fields import MOST_LABEL, Fields, kind_of, name_of
from annotation.files.jsonl.provenance import KEY, SPLITS, Provenance
from annotation.files.jsonl.records import NAMELESS_SOURCE, CompletionValue, PromptValue
from annotation.preferences.splits import opening_digest, prompt_digest, text_digest
from annotation.preferences.task_key import set_key
from annotation.preferences.tiers import LEAST_COMPLETIONS, MOST_COMPLETIONS

ROLES = ("system", "user", "assistant")
_NOBODY = re.compile(r"anonymous(-[0-9]+)?")


def read_prompt(fields: Fields) -> PromptValue:
    """Take ``prompt`` and ``split``. A text is a prompt of one user message, and not the same as that chat."""
    value = fields.peek("prompt")
    if isinstance(value, str):
        form, messages = "text", [{"role": "user", "content": fields.text("prompt", may_be_empty=False)}]
    elif isinstance(value, list):
        form, messages = "chat", read_messages(fields, "prompt")
    elif value is None:
        raise fields.bad("prompt", "is missing")
    else:
        raise fields.bad("prompt", f"must be a text or a list of messages, not {kind_of(value)}")
    _refuse_blank(fields, messages)
    split = fields.choice("split", SPLITS)
    return PromptValue(form, messages, prompt_digest(form, messages), opening_digest(messages), split)


def read_messages(fields: Fields, name: str) -> list[dict[str, str]]:
    """A list of ``{"role", "content"}`` that is not empty."""
    messages = []
    for message in fields.objects(name):
        role = message.choice("role", ROLES)
        if role is None:
            raise message.bad("role", "is missing")
        if isinstance(message.peek("content"), list):
            message.put("content", _joined(message))
        messages.append({"role": role, "content": message.text("content")})
        for unknown, value in message.rest().items():
            if value is not None:  # a table of messages has every field in each
                raise message.bad(unknown, "is not a field of a message (role and content are)")
    if not messages:
        raise fields.bad(name, "must have at least one message")
    return messages


def _joined(message: Fields) -> str:
    """The text of a content that is a list of parts."""
    parts = message.objects("content")
    for part in parts:
        kind = part.take("type")
        if kind != "text":
            raise part.bad("type", f"is {kind!r}, and Concord takes texts alone")
    return "".join(part.text("text") for part in parts)


def _refuse_blank(fields: Fields, messages: list[dict[str, str]]) -> None:
    """A prompt whose last message says nothing asks nothing."""
    if not messages[-1]["content"].strip():
        raise fields.bad("prompt", "says nothing: its last message is blank")


def with_split(prompt: PromptValue, provenance: Provenance) -> PromptValue:
    """The prompt with the split that its line gives, under ``split`` or under ``concord``."""
    split = provenance.split
    if split and prompt.split and split != prompt.split:
        raise BadField("split", f"is {prompt.split}, but concord.split is {split}")
    return prompt._replace(split=prompt.split or split)


def source_at(named: str | None, provenance: Provenance, index: int, field: str) -> str:
    """The source of a completion: its own field, else what ``concord`` says, else the nameless one."""
    recorded = provenance.sources[index] if provenance.sources else None
    if named and recorded and named != recorded:
        raise BadField(field, f"is {named!r}, but concord.sources says {recorded!r}")
    return named or recorded or NAMELESS_SOURCE


def completion(text: str, source: str, sampling: dict[str, Any] | None = None) -> CompletionValue:
    """A completion with its digest."""
    return CompletionValue(text, text_digest(text), source, sampling or {})


def read_completion(item: Fields, provenance: Provenance, index: int) -> CompletionValue:
    """One item of ``completions``."""
    text = item.text("text")
    source = source_at(item.label("source"), provenance, index, f"{item.path}source")
    return completion(text, source, item.mapping("sampling"))


def check_completions(fields: Fields, completions: list[CompletionValue]) -> None:
    """Refuse equal completions: one text by one source stands once in a task."""
    seen: dict[tuple[str, str], int] = {}
    for index, value in enumerate(completions):
        first = seen.setdefault(value.member, index)
        if first != index:
            raise fields.bad(f"completions[{index}]", f"is the same as completions[{first}]")


def completion_items(fields: Fields) -> list[Fields]:
    """The items of ``completions``, of which a task has 2 to 9."""
    items = fields.objects("completions")
    if not LEAST_COMPLETIONS <= len(items) <= MOST_COMPLETIONS:
        raise fields.bad(
            "completions", f"must have {LEAST_COMPLETIONS} to {MOST_COMPLETIONS} items, not {len(items)}"
        )
    return items


def read_external_id(fields: Fields) -> str:
    """``id`` of a kind that declares none: kept as one where it can be, else left to the metadata."""
    value = name_of(fields.peek("id"))
    if value is None or (isinstance(value, str) and 0 < len(value) <= MOST_LABEL):
        fields.take("id")
        return value or ""
    return ""


def read_metadata(
    fields: Fields, provenance: Provenance, extras: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """``metadata`` with every field that nobody took, those of completions under "completions". Call it last."""
    metadata = fields.mapping("metadata")
    if provenance.metadata:
        metadata = {**_decoded(provenance.metadata), **metadata}
    unknown = fields.rest()
    if extras and any(extras):
        unknown = {**unknown, "completions": extras}
    for name in unknown:
        if name in metadata:
            raise fields.bad(name, "stands both in the line and in its metadata")
    return {**metadata, **unknown}


def _decoded(metadata: str) -> dict[str, Any]:
    """The object that ``concord.metadata`` holds as text."""
    try:
        return decode(metadata.encode())
    except BadField as error:
        raise BadField(f"{KEY}.metadata{error.field and '.' + error.field}", error.reason) from error


def key_of(*parts: Any) -> str:
    """sha256 of a line's parsed content, the order of keys aside."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def read_annotator(fields: Fields) -> str | None:
    """The pseudonym, or None for whoever it was. Concord's own names for nobody are not pseudonyms."""
    name = fields.label("annotator")
    if name is not None and _NOBODY.fullmatch(name):
        raise fields.bad("annotator", "cannot be 'anonymous': leave it out where nobody is named")
    return name


def set_key_of(prompt: PromptValue, completions: list[CompletionValue]) -> str:
    """The key of a task that its lines do not name."""
    return set_key(prompt.digest, [value.member for value in completions])
