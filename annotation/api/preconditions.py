"""``If-Match``: what two could write, the second writes only if it still is as they saw it (RFC 9110, 13.1.1).

An answer's ``ETag`` is a digest of what it shows; where that goes on changing by itself (a run's progress, the slots of
a task), of what of it can be changed. A change that names it is refused where the row shows something else by now;
whoever names none changes what is there, whatever it is.
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.http import parse_etags
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

HEADER = "If-Match"


class Changed(APIException):
    """It is not as you saw it any more: read it again, and change that."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_code = "changed"
    default_detail = __doc__


def tagged(data: Mapping[str, Any], *, of: Collection[str] | None = None) -> Response:
    """An answer with its ETag, a digest of the fields ``of``, or of all."""
    return Response(data, headers={"ETag": _tag(data, of)})


def require_unchanged(
    request: Request, data: Mapping[str, Any], *, of: Collection[str] | None = None
) -> None:
    """Raises Changed where the request names other tags than that of ``data``, whose rows its caller has locked."""
    header = request.headers.get(HEADER)
    if header is not None and not {"*", _tag(data, of)} & set(parse_etags(header)):
        raise Changed


def _tag(data: Mapping[str, Any], of: Collection[str] | None) -> str:
    digested = data if of is None else {name: data[name] for name in of}
    whole = json.dumps(digested, sort_keys=True, cls=DjangoJSONEncoder)
    return f'"{hashlib.sha256(whole.encode()).hexdigest()[:32]}"'
