"""The largest body that is taken. It is refused by its announced length, before any of it is read or stored.

Nothing more than what a request announces is ever read of it, so one that announces little cannot send much.
"""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat

from console.api.errors import PREFIX, refused

# What a form needs besides its file.
_FORM_BYTES = 1_000_000


class BoundedBodies:
    """A middleware: 413 with a sentence for a body that holds more than the largest upload."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer at once, or pass it on."""
        if _announced(request) <= settings.MAX_UPLOAD_BYTES + _FORM_BYTES:
            return self._get_response(request)
        limit = filesizeformat(settings.MAX_UPLOAD_BYTES).replace("\xa0", " ")
        if request.path_info.startswith(PREFIX):
            words = f"A request may hold a file of {limit} at most. Divide it, or import it with a command."
            return refused(413, "too_large", words)
        return render(request, "413.html", {"limit": limit}, status=413)


def _announced(request: HttpRequest) -> int:
    text = str(request.META.get("CONTENT_LENGTH") or "")
    return int(text) if text.isdecimal() else 0
