"""The OpenAPI schema: what drf-spectacular reads off the views, and what is true of all of them."""

import re
from functools import cache
from typing import Any

from django.http import HttpRequest, JsonResponse
from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerFieldExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.utils import Direction, OpenApiExample, OpenApiParameter

from annotation.api import paging, preconditions
from annotation.api.base import wanted_scopes
from annotation.api.idempotency import HEADER, LONGEST_KEY, REPLAYED
from annotation.api.paging import Pages
from console.api import examples
from console.api.errors import MEDIA_TYPE, reading_only

PREFIX: str = spectacular_settings.SCHEMA_PATH_PREFIX
ERRORS = {
    "400": "The request is not what it must be, or names a field or parameter that there is not; errors says what is "
    "wrong with which part.",
    "401": "No token and no session, or a token that is unknown, expired or revoked.",
    "403": "The token lacks a scope, or this is not yours to do.",
    "404": "Nothing is here, or it is not yours to see.",
    "406": "Another media type was asked for than there is.",
    "409": "It cannot be done as things are: a lease is over, a run has ended, something is missing.",
    "412": "It is not as If-Match says any more.",
    "413": "It is larger than what may be sent.",
    "415": "It was sent in another media type than it may be.",
    "422": "The Idempotency-Key came with another request before.",
    "429": "Too many requests; Retry-After says how many seconds to wait.",
    "503": "Not now: nothing answers, or somebody else is writing; Retry-After says how many seconds to wait.",
}
_WAIT = {
    "Retry-After": {
        "schema": {"type": "integer", "minimum": 0},
        "description": "Seconds to wait",
        "required": True,
    }
}
# What an answer of that status says besides.
HEADERS = {
    "401": {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "Bearer", "required": True}},
    "429": _WAIT,
    "503": _WAIT,
}
# The methods that can fail so; the others can fail anywhere.
_WRITING = ("post", "put", "patch")
WHERE = {
    "409": (*_WRITING, "delete"),
    "412": (),  # where there is If-Match
    "413": _WRITING,
    "415": _WRITING,
    "422": ("post",),
    "503": (*_WRITING, "delete"),
}
_PROBLEM = {
    "type": "object",
    "description": "Every answer from 400 up (RFC 9457).",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {
            "type": "string",
            "format": "uri-reference",
            "description": "Where the code is explained; about:blank where it says no more than the status",
        },
        "title": {"type": "string", "description": "What the code means, whatever happened"},
        "status": {
            "type": "integer",
            "minimum": 400,
            "maximum": 599,
            "description": "That of the answer, for whoever has the body alone",
        },
        "detail": {"type": "string", "description": "For people: what happened, and what to do"},
        "code": {"type": "string", "description": "For programs"},
        "errors": {
            "type": "array",
            "items": {"$ref": "#/components/schemas/Wrong"},
            "description": "What is wrong with which part of the request, where it is a part",
        },
    },
}
_WRONG = {
    "type": "object",
    "description": "What is wrong with one part of a request.",
    "required": ["detail"],
    "properties": {
        "pointer": {"type": "string", "description": "Of the body, as #/completions/1/text; # is all of it"},
        "parameter": {"type": "string", "description": "Of the query"},
        "detail": {"type": "string", "description": "What is wrong with it"},
    },
}


_SPARSE = Pages().get_paginated_response_schema({"type": "array", "items": {"type": "object"}})


class Operation(AutoSchema):
    """One operation of one endpoint."""

    def get_tags(self) -> list[str]:
        """The endpoint's own."""
        return [getattr(self.view, "tag", "Other")]

    def get_description(self) -> str:  # type: ignore[override]  # drf-spectacular's own signature
        """What it does, and which scope a token needs for it."""
        scopes = " or ".join(f"`{scope}`" for scope in wanted_scopes(self.view, self.method))
        return f"{super().get_description().strip()}\n\nScope: {scopes}."

    def get_summary(self) -> str | None:
        """The first part of the first sentence of what it does."""
        return re.split(r"[.:;,](?:\s|$)", super().get_description().strip())[0]

    def get_examples(self) -> list[OpenApiExample]:
        """Those of console.api.examples."""
        return examples.of(self.method, self.path.removeprefix(PREFIX))

    def get_override_parameters(self) -> list[Any]:
        """A GET names what it reads of a query; a POST takes a key; where two could write, an answer has a tag, and a
        change may name it."""
        parameters = list(super().get_override_parameters())
        query = getattr(self.view, "query_class", None)
        if self.method == "GET" and query is not None:
            parameters.append(query)
        if self.method == "POST" and getattr(self.view, "keeps", False):
            parameters.append(
                OpenApiParameter(
                    HEADER,
                    {"type": "string", "maxLength": LONGEST_KEY},
                    OpenApiParameter.HEADER,
                    description="Of your choosing: sent again with the same key, the request happens once.",
                )
            )
            parameters.append(
                OpenApiParameter(
                    REPLAYED,
                    {"type": "string", "const": "true"},
                    OpenApiParameter.HEADER,
                    response=[200, 201, 202],
                    description="Where the answer is that of an earlier request with the same key",
                )
            )
        if getattr(self.view, "conditional", False) and self.method in ("PATCH", "PUT", "POST"):
            parameters.append(
                OpenApiParameter(
                    preconditions.HEADER,
                    str,
                    OpenApiParameter.HEADER,
                    description="The ETag of what is to be changed: it is changed only if it is still so.",
                )
            )
        if getattr(self.view, "conditional", False) and self.method in ("GET", "PATCH", "PUT", "POST"):
            parameters.append(
                OpenApiParameter(
                    "ETag",
                    str,
                    OpenApiParameter.HEADER,
                    response=[200],
                    description="For If-Match",
                    required=True,
                )
            )
        return parameters


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema speaks of annotation.api.authentication."""

    target_class = "annotation.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """A Bearer token."""
        return {"type": "http", "scheme": "bearer", "description": "Made at /account/tokens/"}


class PromptShape(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """What a prompt may be written as."""

    target_class = "annotation.api.prompts.PromptField"

    def map_serializer_field(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        """A text or messages."""
        message = auto_schema.resolve_serializer(self.target.message, direction)
        return {"oneOf": [{"type": "string"}, {"type": "array", "items": message.ref}]}


def with_errors(result: dict[str, Any], **generator: Any) -> dict[str, Any]:
    """POSTPROCESSING_HOOKS: every operation can fail in the same shape."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {}).update(Problem=_PROBLEM, Wrong=_WRONG)
    components["responses"] = {
        f"Problem{status}": {
            "description": text,
            **({"headers": HEADERS[status]} if status in HEADERS else {}),
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "example": examples.problems()[status],
                }
            },
        }
        for status, text in ERRORS.items()
    }
    for path in result["paths"].values():
        for method, operation in path.items():
            named = {parameter["name"] for parameter in operation.get("parameters", ())}
            if paging.FIELDS in named:
                operation["responses"]["200"]["content"][paging.SPARSE] = {"schema": _SPARSE}
            for status in ERRORS:
                if method in WHERE.get(status, (method,)) or (
                    status == "412" and preconditions.HEADER in named
                ):
                    operation["responses"].setdefault(
                        status, {"$ref": f"#/components/responses/Problem{status}"}
                    )
    return result


def closed(result: dict[str, Any], **generator: Any) -> dict[str, Any]:
    """POSTPROCESSING_HOOKS: a body holds the fields that the schema names and no others
    (annotation.api.base.refuse_unknown). Answers stay open: fields are added to them within v1."""
    schemas = result["components"]["schemas"]
    bodies = [
        operation["requestBody"]
        for path in result["paths"].values()
        for operation in path.values()
        if "requestBody" in operation
    ]
    waiting, seen = _named_in(bodies), set[str]()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        shape = schemas[name]
        if "properties" in shape:
            shape["additionalProperties"] = False
        waiting |= _named_in(shape) - seen
    return result


def _named_in(shape: Any) -> set[str]:
    return set(re.findall(r"'#/components/schemas/(\w+)'", str(shape)))


@cache
def document() -> dict[str, Any]:
    """The schema, drawn once a process: it hangs on the code alone."""
    drawn: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return drawn


@reading_only
def schema(request: HttpRequest) -> JsonResponse:
    """The schema as JSON, open to everybody: it tells nothing but the code."""
    return JsonResponse(document(), content_type="application/vnd.oai.openapi+json")
