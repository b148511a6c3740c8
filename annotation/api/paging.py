"""Lists: by cursor, so that a page is as quick at the end as at the start and no row comes twice or is missed."""

from typing import Any

from rest_framework.pagination import CursorPagination


class Pages(CursorPagination):
    """``?cursor=`` (taken from ``next`` and ``previous``) and ``?page_size=``."""

    ordering = "id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200

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


class NewestFirst(Pages):
    """Runs and versions: whoever looks wants the last one."""

    ordering = "-id"
