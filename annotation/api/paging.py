"""Lists: by cursor, so that a page is as quick at the end as at the start and no row comes twice or is missed; of each
row all fields, or those that are asked for."""

from typing import Any

from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer, ListSerializer, Serializer
from rest_framework.utils.urls import replace_query_param

from annotation.api import sorting
from annotation.api.filters import query_parameter
from annotation.api.sorting import ORDER
from annotation.patience import patiently

FIELDS = "fields"
OLDEST, NEWEST = "oldest", "newest"
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
    """A list of data: the oldest first, so that who reads on comes to what is added meanwhile, or the newest first, or
    by what else its page can be sorted. Which orders there are is told where its filters are (console.api.filters)."""

    _sorted: sorting.Page | None = None
    _address: str

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        """A page of rows; of a view that is ``sorted_by`` something, by that. Raises TookTooLong."""
        order: sorting.Order | None = view.sorted_by
        if order is None:
            return super().paginate_queryset(queryset, request, view)
        self._address, self._is_sparse = request.build_absolute_uri(), FIELDS in request.query_params
        with patiently():
            self._sorted = sorting.page(
                queryset,
                order=order,
                size=self.get_page_size(request),
                cursor=request.query_params.get(self.cursor_query_param),
                of=f"{view.project.pk} {view.kind_of_data} {request.query_params.get(ORDER, OLDEST)}",
            )
        return self._sorted.rows

    def get_next_link(self) -> str | None:
        """The following page's address."""
        return super().get_next_link() if self._sorted is None else self._link(self._sorted.next)

    def get_previous_link(self) -> str | None:
        """The address of the page before."""
        return super().get_previous_link() if self._sorted is None else self._link(self._sorted.previous)

    def _link(self, cursor: str | None) -> str | None:
        return None if cursor is None else replace_query_param(self._address, self.cursor_query_param, cursor)

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str]:
        """By time."""
        return ("-id",) if request.query_params.get(ORDER) == NEWEST else ("id",)


class NewestFirst(Pages):
    """Runs and versions: whoever looks wants the last one."""

    ordering = "-id"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()
