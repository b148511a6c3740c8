"""Lists: by cursor, so that a page is as quick at the end as at the start and no row comes twice or is missed; of each
row all fields, or those that are asked for."""

from typing import Any

from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer, ListSerializer, Serializer

from annotation.api.filters import query_parameter
from annotation.patience import patiently

FIELDS = "fields"
ORDER, OLDEST, NEWEST = "order", "oldest", "newest"
# Of rows that are not whole: a program that reads whole ones cannot take them for such.
SPARSE = "application/vnd.concord.sparse+json"


def only_fields(request: Request, serializer: BaseSerializer[Any]) -> None:
    """Leave of each row of a list what ``?fields=`` names, where it names anything. Raises ValidationError."""
    if FIELDS not in request.query_params or not isinstance(serializer, ListSerializer):
        return
    rows = serializer.child
    assert isinstance(rows, Serializer)
    names_given = set(request.query_params[FIELDS].split(","))
    unknown = sorted(names_given - set(rows.fields))
    if unknown:
        known = ", ".join(rows.fields)
        raise ValidationError({FIELDS: [f"There is no field {unknown[0]!r}; there are {known}."]})
    for name in set(rows.fields) - names_given:
        rows.fields.pop(name)


class Pages(CursorPagination):
    """``?cursor=`` (taken from ``next`` and ``previous``) and ``?page_size=``."""

    ordering = "id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200

    def get_page_size(self, request: Request) -> int:
        """What is asked for, as far as it goes, or the usual. Raises ValidationError."""
        text = request.query_params.get("page_size", str(self.page_size))
        # Beyond thousands of digits Python reads no number.
        if not (_is_number(text) and len(text) < 1000 and int(text) > 0):
            raise ValidationError({"page_size": ["It must be a whole number from 1."]})
        return min(int(text), self.max_page_size)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """None without one. Raises NotFound for one that no page gave."""
        cursor = super().decode_cursor(request)
        # Lists are in the order of an id.
        if cursor is not None and cursor.position is not None and not _is_number(str(cursor.position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        """A page of rows. Raises TookTooLong."""
        self._is_sparse = FIELDS in request.query_params
        with patiently():
            return super().paginate_queryset(queryset, request, view)

    def get_paginated_response(self, data: Any) -> Response:
        """With the media type of what its rows are."""
        answer = super().get_paginated_response(data)
        return Response(answer.data, content_type=SPARSE) if self._is_sparse else answer

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """With what ``page_size`` may be; more than the most is the most."""
        parameters = super().get_schema_operation_parameters(view)
        for parameter in parameters:
            if parameter["name"] == self.page_size_query_param:
                parameter["schema"] = {"type": "integer", "minimum": 1}
        sparse = query_parameter(
            FIELDS,
            f"Of each row only these fields, parted by commas; the answer is then {SPARSE}",
            {"type": "string"},
        )
        return [*parameters, sparse]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """As OpenAPI 3.1 says null, which the framework's own does not."""
        address = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {
                "next": {**address, "description": "The following page; null at the end"},
                "previous": {**address, "description": "The page before; null at the start"},
                "results": schema,
            },
        }


class EitherWay(Pages):
    """A list of data: the oldest first, so that who reads on comes to what is added meanwhile, or the newest first."""

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str]:
        """By time. Raises ValidationError."""
        order = request.query_params.get(ORDER, OLDEST)
        if order not in (OLDEST, NEWEST):
            raise ValidationError({ORDER: [f"It must be one of {OLDEST}, {NEWEST}."]})
        return ("-id",) if order == NEWEST else ("id",)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """With the order."""
        order = query_parameter(
            ORDER,
            f"In which order rows come; {OLDEST} first where nothing is said",
            {"type": "string", "enum": [OLDEST, NEWEST]},
        )
        return [*super().get_schema_operation_parameters(view), order]


class NewestFirst(Pages):
    """Runs and versions: whoever looks wants the last one."""

    ordering = "-id"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()
