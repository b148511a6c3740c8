"""The schema as a page: drawn here from the same document, so it needs no script and no style of its own kind.

What stands under ``components`` of the document is linked, so that a reader can follow every name.
"""

import json
import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from console.api.errors import reading_only, titles
from console.api.schema import ERRORS, PREFIX, document

Json = Mapping[str, Any]
# The order of the page: a project's data from where it comes in to what is made of it.
TAGS = (
    "Projects",
    "Prompts and completions",
    "Tasks",
    "Judging",
    "Judgements",
    "Quality control",
    "Import and export",
    "Withdrawals",
    "Webhooks",
    "Runs",
    "Reward models",
    "Policies",
)


class Words(NamedTuple):
    """A piece of a type's name; ``linked`` where it is the name of a component."""

    text: str
    linked: bool = False


class Field(NamedTuple):
    """One field or parameter, its type in words."""

    name: str
    words: list[Words]
    meaning: str
    required: bool


class Answer(NamedTuple):
    """One status that an operation answers with."""

    status: str
    words: list[Words]


class Example(NamedTuple):
    """A request as a command, and its answer; empty where that is told elsewhere."""

    name: str
    command: str
    answer: str


class Operation(NamedTuple):
    """One method at one address."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    scope: str
    parameters: list[Field]
    sends: list[Field]
    sends_form: bool
    answers: list[Answer]
    examples: list[Example]


class Component(NamedTuple):
    """One named shape."""

    name: str
    meaning: str
    fields: list[Field]
    values: list[str]


@reading_only
def docs(request: HttpRequest) -> HttpResponse:
    """Every operation and every shape, open to everybody."""
    context = {
        **_page(),
        "address": request.build_absolute_uri(reverse("api_docs")).removesuffix("/docs/"),
        "errors": ERRORS.items(),
        "codes": titles().items(),
        "a_minute": settings.API_RATE,
    }
    return TemplateResponse(request, "api/docs.html", context)


@cache
def _page() -> dict[str, Any]:
    drawn = document()
    groups = defaultdict(list)
    for path, operations in drawn["paths"].items():
        for method, operation in operations.items():
            groups[operation["tags"][0]].append(_operation(drawn, method, path, operation))
    components = drawn["components"]["schemas"]
    return {
        "groups": [(tag, groups[tag]) for tag in sorted(groups, key=_place)],
        "components": [
            _component(name, components[name])
            for name in sorted(components)
            if not name.startswith("Paginated")
        ],
    }


def _place(tag: str) -> int:
    return TAGS.index(tag) if tag in TAGS else len(TAGS)


def _operation(drawn: Json, method: str, path: str, operation: Json) -> Operation:
    description, _, scope = operation["description"].rpartition("\n\nScope: ")
    kind, body = _body(drawn, operation)
    return Operation(
        anchor=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=description.replace("``", ""),
        scope=scope.rstrip(".").replace("`", ""),
        parameters=[
            _field(one["name"], one["schema"], one.get("description", ""), one.get("required", False))
            for one in operation.get("parameters", [])
        ],
        sends=list(_fields(body)),
        sends_form=kind == "multipart/form-data",
        answers=[
            Answer(status, _described(drawn, response))
            for status, response in sorted(operation["responses"].items())
            if status not in ERRORS
        ],
        examples=list(_examples(method, path, operation)),
    )


def _body(drawn: Json, operation: Json) -> tuple[str, Json]:
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        return kind, _resolved(drawn, content["schema"])
    return "", {}


def _resolved(drawn: Json, schema: Json) -> Json:
    """What a reference leads to, or the schema itself."""
    name = _name(schema)
    resolved: Json = drawn["components"]["schemas"][name] if name else schema
    return resolved


def _name(schema: Json) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _described(drawn: Json, response: Json) -> list[Words]:
    for kind, content in response.get("content", {}).items():
        name = _name(content["schema"])
        if name.startswith("Paginated"):
            item = drawn["components"]["schemas"][name]["properties"]["results"]["items"]
            return [Words("a page of "), Words(_name(item), linked=True)]
        return [Words(name, linked=True)] if name else [Words(kind)]
    return [Words("nothing")]


def _component(name: str, schema: Json) -> Component:
    return Component(
        name,
        " ".join(schema.get("description", "").split()),
        list(_fields(schema)),
        [str(value) for value in schema.get("enum", [])],
    )


def _fields(schema: Json) -> Iterator[Field]:
    required = set(schema.get("required", ()))
    for name, one in schema.get("properties", {}).items():
        yield _field(name, one, one.get("description", ""), name in required)


def _field(name: str, schema: Json, meaning: str, required: bool) -> Field:
    return Field(name, _words(schema), meaning, required)


def _words(schema: Json) -> list[Words]:
    """A type in words."""
    if "$ref" in schema:
        return [Words(_name(schema), linked=True)]
    for joint in ("allOf", "oneOf", "anyOf"):
        if joint in schema:
            return _joined(_words(part) for part in schema[joint])
    kind = schema.get("type", "anything")
    if isinstance(kind, list):
        return _joined(_words({**schema, "type": one}) for one in kind)
    if kind == "array":
        return [Words("list of "), *_words(schema.get("items", {}))]
    if "enum" in schema:
        return [Words(", ".join(str(value) or "empty" for value in schema["enum"]))]
    return [Words(f"{kind} ({schema['format']})" if "format" in schema and kind != "null" else str(kind))]


def _joined(parts: Iterable[list[Words]]) -> list[Words]:
    """The parts with "or" between them."""
    first, *rest = parts
    return [*first, *(words for part in rest for words in (Words(" or "), *part))]


def _examples(method: str, path: str, operation: Json) -> Iterator[Example]:
    """What may be sent and what comes back, of one name side by side; without one, how it is asked."""
    kind, sent = _examples_of(operation.get("requestBody", {}))
    gives: dict[str, Json] = {}
    for status, response in operation["responses"].items():
        if status not in ERRORS:
            gives |= _examples_of(response)[1]
    if not gives and not sent:
        yield Example("", _command(method, path, kind, None), "")
    for name, one in {**gives, **sent}.items():
        yield Example(
            # drf-spectacular writes no summary where it would be the name.
            one.get("summary", name),
            _command(method, path, kind, sent[name]["value"] if name in sent else None),
            _written(gives[name]["value"]) if name in gives else "",
        )


def _examples_of(body: Json) -> tuple[str, Json]:
    """The media type of a body, and the examples of it by name."""
    for kind, content in body.get("content", {}).items():
        return kind, content.get("examples", {})
    return "", {}


def _command(method: str, path: str, kind: str, body: Any) -> str:
    """It as a curl command."""
    parts = ["curl", '-H "Authorization: Bearer $TOKEN"']
    if method != "get":
        parts.append(f"-X {method.upper()}")
    if kind == "multipart/form-data":
        fields = ((name, f"@{value}" if name == "file" else value) for name, value in body.items())
        parts += [f"-F {shlex.quote(f'{name}={value}')}" for name, value in fields]
    elif kind:
        parts += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(json.dumps(body))}"]
    return " ".join([*parts, f'"$CONCORD/{path.removeprefix(PREFIX)}"'])


def _written(value: Any) -> str:
    """An answer as it is read best."""
    return value if isinstance(value, str) else json.dumps(value, indent=2)
