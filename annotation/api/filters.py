"""Filters by named query parameters alone: a client never names a field or a lookup (CVE-2023-47117)."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, NoReturn
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request
from rest_framework.views import APIView

# Of paging and of sparse rows (annotation.api.paging).
OF_LISTS = frozenset({"cursor", "page_size", "fields"})


class UnknownParameter(ValidationError):
    """The address names a parameter that there is not, whatever the method."""


class Filter(NamedTuple):
    """One query parameter: which rows it keeps, and what it may be. ``lookup`` is ours, never the client's."""

    lookup: str
    meaning: str
    choices: Sequence[str] = ()
    type: Callable[[str], Any] = str


def boolean(text: str) -> bool:
    """``true`` or ``false``. Raises ValueError."""
    return {"true": True, "false": False}[text] if text in {"true", "false"} else _fail(text)


def listed(text: str) -> list[str]:
    """For a lookup that wants a list of one."""
    return [text]


def finite(text: str) -> float:
    """A number that is one. Raises ValueError."""
    value = float(text)
    return value if math.isfinite(value) else _fail(text)


def _fail(text: str) -> NoReturn:
    raise ValueError(text)


_NAMES: dict[Callable[[str], Any], str] = {
    UUID: "an id",
    boolean: "true or false",
    int: "a whole number",
    finite: "a number",
    str: "text",
    listed: "text",
}


class NamedFilters(BaseFilterBackend):
    """Reads a view's ``filters``; a parameter that it does not name is an error, not ignored."""

    def filter_queryset(self, request: Request, queryset: "QuerySet[Any]", view: APIView) -> "QuerySet[Any]":
        filters: dict[str, Filter] = getattr(view, "filters", {})
        require_known(request, OF_LISTS.union(filters))
        for name, one in filters.items():
            if name in request.query_params:
                queryset = queryset.filter(**{one.lookup: _value(name, one, request.query_params[name])})
        return queryset

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        return [parameter(name, one) for name, one in getattr(view, "filters", {}).items()]


def require_known(request: Request, names: Iterable[str]) -> None:
    """Raises UnknownParameter for a parameter that is none of the ``names``."""
    known = sorted(names)
    unknown = sorted(set(request.query_params).difference(known))
    if unknown:
        there_are = f"; there are {', '.join(known)}." if known else ", and none here."
        raise UnknownParameter({name: [f"There is no such parameter{there_are}"] for name in unknown})


def _value(name: str, field_filter: Filter, text: str) -> Any:
    try:
        value = field_filter.type(text)
        if field_filter.choices and value not in field_filter.choices:
            raise ValueError(text)
        if "\0" in text:
            raise ValueError(text)
    except ValueError as error:
        may = (
            f"one of {', '.join(field_filter.choices)}" if field_filter.choices else _NAMES[field_filter.type]
        )
        raise ValidationError({name: [f"It must be {may}."]}) from error
    return value


def parameter(name: str, field_filter: Filter) -> dict[str, Any]:
    """The filter as OpenAPI writes it."""
    schema: dict[str, Any] = {
        UUID: {"type": "string", "format": "uuid"},
        boolean: {"type": "boolean"},
        int: {"type": "integer"},
        finite: {"type": "number"},
    }.get(field_filter.type, {"type": "string"})
    if field_filter.choices:
        schema = {**schema, "enum": list(field_filter.choices)}
    return query_parameter(name, field_filter.meaning, schema)


def query_parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    """One that may be left out, as OpenAPI writes it."""
    return {
        "name": name,
        "in": OpenApiParameter.QUERY,
        "required": False,
        "description": description,
        "schema": schema,
    }
