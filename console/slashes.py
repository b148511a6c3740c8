"""What asks for an address without its last slash is sent on as it is.

Django's answer is 301, on which most programs send a POST as a GET: what was to be written would be read instead, and
the program told that all went well. 308 keeps the method and the body.
"""

from http import HTTPStatus

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.common import CommonMiddleware


class Slashes(CommonMiddleware):
    """Django's middleware, whose redirects keep the request."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The response itself, or 308 to the address with a slash."""
        answer = super().process_response(request, response)
        if answer is not response and request.method not in ("GET", "HEAD"):
            answer.status_code = HTTPStatus.PERMANENT_REDIRECT
        return answer
