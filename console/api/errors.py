"""One shape of error, whatever went wrong: the problem details of RFC 9457, as ``application/problem+json``.

``code`` is for programs and stays; ``detail`` is for people; ``errors`` says what is wrong with which part of the
request. ``type`` names the code's place in the documentation, for those errors that say more than their status;
of the others it is ``about:blank``, as the RFC has it, and ``title`` the status in words.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, wraps
from http import HTTPStatus
from typing import Any, NotRequired, TypedDict
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.urls import reverse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.permissions import SAFE_METHODS
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import set_rollback

from annotation import errors as annotation
from annotation.api.base import MissingScope
from annotation.api.filters import UnknownParameter
from annotation.api.idempotency import BadKey, KeyNotTaken, KeyReused
from annotation.api.preconditions import Changed
from rewardmodel import errors as rewardmodel
from rltrainer import errors as rltrainer
from runs import errors as runs

logger = logging.getLogger("concord.api")
PREFIX = "/api/"
MEDIA_TYPE = "application/problem+json"
NOT_FOUND = "There is nothing here, or it is not yours to see."
FAULT = "This is a fault of ours; the server's log says more."
UNREADABLE = "This request cannot be read."
# Seconds until what is not there now may be.
RETRY_AFTER = "5"
NON_FIELD_ERRORS = str(api_settings.NON_FIELD_ERRORS_KEY)

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
# What the API itself refuses for more than its status says.
OF_THE_API: tuple[type[exceptions.APIException], ...] = (
    MissingScope,
    BadKey,
    KeyNotTaken,
    Changed,
    KeyReused,
)


class Wrong(TypedDict):
    """What is wrong with one part of the request, and which part that is."""

    pointer: NotRequired[str]  # into the body: a JSON pointer as a fragment (RFC 6901, section 6)
    parameter: NotRequired[str]  # of the query
    detail: str


def problem(status: int, code: str, detail: str, errors: Sequence[Wrong] = ()) -> dict[str, Any]:
    """The shape."""
    title = titles().get(code)
    return {
        "type": "about:blank" if title is None else f"{reverse('api_docs')}#error-{code}",
        "title": title or HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "code": code,
        **({"errors": list(errors)} if errors else {}),
    }


@cache
def titles() -> dict[str, str]:
    """What each code of ours means, whatever happened: how the error's own sentence begins."""
    error_classes = (
        error
        for module in (annotation, rewardmodel, rltrainer, runs)
        for error in vars(module).values()
        if isinstance(error, type) and issubclass(error, tuple(STATUSES))
    )
    documents = {_code(error): error.__doc__ for error in error_classes}
    documents |= {error.default_code: error.__doc__ for error in OF_THE_API}
    documents["invalid"] = "A part of the request is not what it must be."
    return {code: re.split(r"[.:;]", _sentence(text))[0] for code, text in sorted(documents.items())}


def refused(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> JsonResponse:
    """The answer of whatever is no view of the framework's."""
    return JsonResponse(
        problem(status, code, detail), status=status, content_type=MEDIA_TYPE, headers=dict(headers or {})
    )


def reading_only(
    view: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """``require_safe`` for a view that is none of the framework's."""

    @wraps(view)
    def checked(request: HttpRequest) -> HttpResponseBase:
        if request.method in ("GET", "HEAD"):
            return view(request)
        detail = f'Method "{request.method}" not allowed.'
        return refused(405, exceptions.MethodNotAllowed.default_code, detail, {"Allow": "GET, HEAD"})

    return checked


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Django REST framework's EXCEPTION_HANDLER."""
    set_rollback()
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, exceptions.APIException):
        return _of_framework(error, context["request"].method)
    if isinstance(error, SuspiciousOperation):
        # A form of too many fields, and the like; the log of security has it.
        return _answer(400, "bad_request", UNREADABLE)
    status = next((status for kind, status in STATUSES.items() if isinstance(error, kind)), None)
    if status is not None:
        again = {"Retry-After": RETRY_AFTER} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
        return _answer(status, _code(type(error)), str(error) or _sentence(error.__doc__), headers=again)
    if settings.DEBUG:
        return None
    logger.error("a request to the API failed", exc_info=error)
    return _answer(500, "internal_error", FAULT)


def _answer(
    status: int,
    code: str,
    detail: str,
    errors: Sequence[Wrong] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    body = problem(status, code, detail, errors)
    return Response(body, status=status, headers=dict(headers or {}), content_type=MEDIA_TYPE)


def _of_framework(error: exceptions.APIException, method: str) -> Response:
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined]  # set by the view's dispatch
    if getattr(error, "wait", None) is not None:
        headers["Retry-After"] = str(max(1, int(error.wait)))  # type: ignore[attr-defined]  # of Throttled
    if isinstance(error, exceptions.ValidationError):
        # What reads takes nothing but parameters, and what writes nothing but a body.
        of_query = method in SAFE_METHODS or isinstance(error, UnknownParameter)
        errors = list((_parameters if of_query else _pointers)(error.detail))
        return _answer(error.status_code, "invalid", _summary(errors), errors, headers)
    detail = NOT_FOUND if isinstance(error, exceptions.NotFound) else str(error.detail)
    code = str(error.default_code if isinstance(error, exceptions.NotFound) else _detail_code(error))
    return _answer(error.status_code, code, detail, headers=headers)


def _detail_code(error: exceptions.APIException) -> Any:
    codes = error.get_codes()
    return codes if isinstance(codes, str) else error.default_code


def _parameters(detail: Any) -> Iterator[Wrong]:
    for path, text in flat(detail):
        yield {"parameter": path[0] if path else "", "detail": text}


def _pointers(detail: Any) -> Iterator[Wrong]:
    for path, text in flat(detail):
        steps = (quote(step.replace("~", "~0").replace("/", "~1"), safe="~!$&'()*+,;=:@") for step in path)
        yield {"pointer": "/".join(("#", *steps)), "detail": text}


def flat(detail: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each text of nested details with its path; what belongs to no field has its parent's."""
    if isinstance(detail, dict):
        for name, value in detail.items():
            yield from flat(value, path if name == NON_FIELD_ERRORS else (*path, str(name)))
    elif isinstance(detail, list) and any(isinstance(value, dict | list) for value in detail):
        for index, value in enumerate(detail):
            yield from flat(value, (*path, str(index)))
    else:
        yield from ((path, str(text)) for text in (detail if isinstance(detail, list) else [detail]))


def _summary(errors: Sequence[Wrong]) -> str:
    named = (
        (one.get("pointer", one.get("parameter", "")).removeprefix("#/"), one["detail"]) for one in errors[:3]
    )
    return " ".join(f"{name}: {text}" if name not in ("", "#") else text for name, text in named)


def _code(error: type) -> str:
    """LeaseOver as lease_over."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", error.__name__).lower()


def _sentence(document: str | None) -> str:
    return " ".join((document or "").split())


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """400 from outside the views (a host that is not ours, a body that is too large)."""
    if not request.path_info.startswith(PREFIX):
        return defaults.bad_request(request, exception)
    return refused(400, "bad_request", UNREADABLE)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """403 from outside the views."""
    if not request.path_info.startswith(PREFIX):
        return defaults.permission_denied(request, exception)
    return refused(403, "permission_denied", "This is not open to you.")


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """404 of an address that is nobody's."""
    if not request.path_info.startswith(PREFIX):
        return defaults.page_not_found(request, exception)
    return refused(404, "not_found", NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """500 from outside the views."""
    if not request.path_info.startswith(PREFIX):
        return defaults.server_error(request)
    return refused(500, "internal_error", FAULT)
