"""The OpenAPI schema: what drf-spectacular reads off the views, and what is true of all of them."""

import re
from functools import cache
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from annotation.api.base import wanted_scopes
from annotation.api.idempotency import HEADER, LONGEST_KEY

ERRORS = {
    "400": "The request is not what it must be; fields says what is wrong with which.",
    "401": "No token and no session, or a token that is unknown, expired or revoked.",
    "403": "The token lacks a scope, or this is not yours to do.",
    "404": "Nothing is here, or it is not yours to see.",
    "409": "It cannot be done as things are: a lease is over, a run has ended, something is missing.",
    "422": "The Idempotency-Key came with another request before.",
    "429": "Too many requests; Retry-After says how many seconds to wait.",
}
# The methods that can fail so; the others can fail anywhere.
WHERE = {"409": ("post", "put", "patch"), "422": ("post",)}
_ERROR = {
    "type": "object",
    "description": "Every answer from 400 up.",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string", "description": "For programs"},
                "message": {"type": "string", "description": "For people"},
                "fields": {
                    "type": "object",
                    "description": "What is wrong, by field or line",
                    "additionalProperties": {"type": "array", "items": {"type": "string"}},
                },
            },
        }
    },
}


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

    def get_override_parameters(self) -> list[Any]:
        """A POST takes a key."""
        parameters = list(super().get_override_parameters())
        if self.method == "POST":
            parameters.append(
                OpenApiParameter(
                    HEADER,
                    {"type": "string", "maxLength": LONGEST_KEY},
                    OpenApiParameter.HEADER,
                    description="Of your choosing: sent again with the same key, the request happens once.",
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


def with_errors(result: dict[str, Any], **generator: Any) -> dict[str, Any]:
    """POSTPROCESSING_HOOKS: every operation can fail in the same shape."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Error"] = _ERROR
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    components["responses"] = {
        f"Error{status}": {"description": text, "content": content} for status, text in ERRORS.items()
    }
    for path in result["paths"].values():
        for method, operation in path.items():
            for status in ERRORS:
                if method in WHERE.get(status, (method,)):
                    operation["responses"].setdefault(
                        status, {"$ref": f"#/components/responses/Error{status}"}
                    )
    return result


@cache
def document() -> dict[str, Any]:
    """The schema, drawn once a process: it hangs on the code alone."""
    drawn: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return drawn


@require_safe
def schema(request: HttpRequest) -> JsonResponse:
    """The schema as JSON, open to everybody: it tells nothing but the code."""
    return JsonResponse(document(), content_type="application/vnd.oai.openapi+json")
