"""One shape of error, whatever went wrong: ``{"error": {"code", "message", "fields"?}}``.

``code`` is for programs and stays; ``message`` is for people; ``fields`` names what is wrong with which field of the
request, or which line of a file.
"""

import logging
import re
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from annotation import errors as annotation
from rewardmodel import errors as rewardmodel
from rltrainer import errors as rltrainer
from runs import errors as runs

logger = logging.getLogger("concord.api")
PREFIX = "/api/"
NOT_FOUND = "There is nothing here, or it is not yours to see."
MOST_LINES = 100
# Seconds until what is not there now may be.
RETRY_AFTER = "5"

# The apps' own errors: the first that fits. Their messages say what to do.
STATUSES: dict[type[Exception], HTTPStatus] = {
    annotation.UnknownProject: HTTPStatus.NOT_FOUND,
    annotation.NotAllowed: HTTPStatus.FORBIDDEN,
    annotation.ClaimsPaused: HTTPStatus.FORBIDDEN,
    annotation.LeaseOver: HTTPStatus.CONFLICT,
    annotation.NothingToSnapshot: HTTPStatus.CONFLICT,
    annotation.Busy: HTTPStatus.SERVICE_UNAVAILABLE,
    annotation.AnnotationError: HTTPStatus.BAD_REQUEST,
    rewardmodel.BadFitConfig: HTTPStatus.BAD_REQUEST,
    rewardmodel.RewardModelError: HTTPStatus.CONFLICT,
    rltrainer.BadConfig: HTTPStatus.BAD_REQUEST,
    rltrainer.PolicyError: HTTPStatus.CONFLICT,
    runs.UnknownKind: HTTPStatus.NOT_FOUND,
    runs.NoScorer: HTTPStatus.SERVICE_UNAVAILABLE,
    runs.RunsError: HTTPStatus.CONFLICT,
}


def body(code: str, message: str, fields: dict[str, list[str]] | None = None) -> dict[str, Any]:
    """The shape."""
    return {"error": {"code": code, "message": message, **({"fields": fields} if fields else {})}}


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Django REST framework's EXCEPTION_HANDLER."""
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    set_rollback()
    if isinstance(error, exceptions.APIException):
        return _of_framework(error)
    status = next((status for kind, status in STATUSES.items() if isinstance(error, kind)), None)
    if status is not None:
        again = {"Retry-After": RETRY_AFTER} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
        return Response(body(_code(error), _message(error), _lines(error)), status=status, headers=again)
    if settings.DEBUG:
        return None
    logger.error("a request to the API failed", exc_info=error)
    return Response(
        body("internal_error", "This is a fault of ours; the server's log says more."), status=500
    )


def _of_framework(error: exceptions.APIException) -> Response:
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined]  # set by the view's dispatch
    if getattr(error, "wait", None) is not None:
        headers["Retry-After"] = str(max(1, int(error.wait)))  # type: ignore[attr-defined]  # of Throttled
    if isinstance(error, exceptions.ValidationError):
        fields = flat(error.detail)
        return Response(body("invalid", _summary(fields), fields), status=error.status_code, headers=headers)
    message = NOT_FOUND if isinstance(error, exceptions.NotFound) else str(error.detail)
    code = str(error.default_code if isinstance(error, exceptions.NotFound) else _detail_code(error))
    return Response(body(code, message), status=error.status_code, headers=headers)


def _detail_code(error: exceptions.APIException) -> Any:
    codes = error.get_codes()
    return codes if isinstance(codes, str) else error.default_code


def flat(detail: Any, path: str = "") -> dict[str, list[str]]:
    """Nested details by dotted path; what belongs to no field is under ``request``."""
    if isinstance(detail, dict):
        parts = [(f"{path}.{name}" if path else str(name), value) for name, value in detail.items()]
    elif isinstance(detail, list) and any(isinstance(value, dict | list) for value in detail):
        parts = [(f"{path}.{index}" if path else str(index), value) for index, value in enumerate(detail)]
    else:
        texts = [str(text) for text in (detail if isinstance(detail, list) else [detail])]
        return {path.replace("non_field_errors", "request") or "request": texts}
    return {name: texts for place, value in parts if value for name, texts in flat(value, place).items()}


def _summary(fields: dict[str, list[str]]) -> str:
    return " ".join(f"{name}: {' '.join(texts)}" for name, texts in list(fields.items())[:3])


def _code(error: Exception) -> str:
    """LeaseOver as lease_over."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()


def _message(error: Exception) -> str:
    return str(error) or " ".join((error.__doc__ or "").split())


def _lines(error: Exception) -> dict[str, list[str]] | None:
    """A file's bad lines, each under its number."""
    if not isinstance(error, annotation.BadFile):
        return None
    return {f"line {line.number}": [str(line)] for line in error.lines[:MOST_LINES]}


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """400 from outside the views (a host that is not ours, a body that is too large)."""
    if not request.path_info.startswith(PREFIX):
        return defaults.bad_request(request, exception)
    return JsonResponse(body("bad_request", "This request cannot be read."), status=400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """403 from outside the views."""
    if not request.path_info.startswith(PREFIX):
        return defaults.permission_denied(request, exception)
    return JsonResponse(body("permission_denied", "This is not open to you."), status=403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """404 of an address that is nobody's."""
    if not request.path_info.startswith(PREFIX):
        return defaults.page_not_found(request, exception)
    return JsonResponse(body("not_found", NOT_FOUND), status=404)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """500 from outside the views."""
    if not request.path_info.startswith(PREFIX):
        return defaults.server_error(request)
    return JsonResponse(
        body("internal_error", "This is a fault of ours; the server's log says more."), status=500
    )
