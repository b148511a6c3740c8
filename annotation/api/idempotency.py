"""``Idempotency-Key``: a POST that is sent again does nothing again, and gets the answer that it got.

The key, a digest of the request and the answer are one row, written in the transaction of what the request did, so
that either both are there or neither. Of two at once, the second waits at the row's unique index until the first has
committed, and then answers with its answer. Errors are not kept: what failed may be tried again. An upload's file is
stored in that transaction too, before it locks anything of a project: who waits for it is the same request, sent again.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ParamSpec, cast

from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils.encoding import force_str
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.preconditions import tagged
from annotation.models import ApiToken, KeptAnswer
from runs.writing import write

Arguments = ParamSpec("Arguments")
HEADER, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
LONGEST_KEY = 200
# Sent again they leave what is there as it is, or say that nothing is there any more.
REPEATABLE = ("PATCH", "PUT", "DELETE")
KEPT_FOR = timedelta(days=1)
_TABLE = KeptAnswer._meta.db_table
_RESERVE = f"""
    INSERT INTO {_TABLE} (user_id, key, request_digest, status, body) VALUES (%s, %s, %s, 0, '')
    ON CONFLICT (user_id, key) DO NOTHING RETURNING id
"""  # noqa: S608 (the table's own name)


class BadKey(APIException):
    """An Idempotency-Key is 1 to 200 printable ASCII characters."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "bad_idempotency_key"
    default_detail = __doc__


class KeyNotTaken(APIException):
    """Idempotency-Key is for a POST: what PATCH, PUT and DELETE do stays the same however often they are sent."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "idempotency_key_not_taken"
    default_detail = __doc__


class KeyReused(APIException):
    """This key came with another request before: use a new key for a new request."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "idempotency_key_reused"
    default_detail = __doc__


def once(
    handler: Callable[Arguments, Response], *, request: Request, key: str, with_tag: bool = False
) -> Callable[Arguments, Response]:
    """``handler``, carried out for the first request with this key alone. Raises KeyReused, BadKey.

    ``with_tag`` where its answers have an ETag of all that they show.
    """

    def carried_out(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Response:
        _check(key)
        return kept(_digest(request), *args, **kwargs)

    @write
    def kept(digest: str, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Response:
        account = cast("User", request.user).pk
        row = _reserve(account, key, digest)
        if row is None:
            return _kept(account, key, digest, with_tag=with_tag)
        response = handler(*args, **kwargs)
        if response.status_code >= 400:
            transaction.set_rollback(True)
        else:
            body = force_str(request.accepted_renderer.render(response.data))
            KeptAnswer.objects.filter(pk=row).update(status=response.status_code, body=body)
        return response

    return carried_out


def forget_old() -> int:
    """Delete answers that nobody asks for again; returns how many."""
    return KeptAnswer.objects.filter(created_at__lt=Now() - KEPT_FOR).delete()[0]


def _check(key: str) -> None:
    if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise BadKey


def _reserve(user_id: int, key: str, digest: str) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(_RESERVE, [user_id, key, digest])
        row = cursor.fetchone()
    return row[0] if row else None


def _kept(user_id: int, key: str, digest: str, *, with_tag: bool) -> Response:
    kept = KeptAnswer.objects.get(user=user_id, key=key)
    if kept.request_digest != digest:
        raise KeyReused
    body: Any = json.loads(kept.body) if kept.body else None
    headers = {REPLAYED: "true"} | ({"ETag": tagged(body).headers["ETag"]} if with_tag else {})
    return Response(body, status=kept.status, headers=headers)


def _digest(request: Request) -> str:
    """Of what is asked and by which token. Of a form its fields count, as the boundary between them is random."""
    token = request.auth.pk if isinstance(request.auth, ApiToken) else None
    whole = hashlib.sha256(json.dumps([token, request.method, request.get_full_path()]).encode())
    for name, value in sorted(_parts(request)):
        whole.update(hashlib.sha256(name.encode()).digest())
        whole.update(value)
    return whole.hexdigest()


def _parts(request: Request) -> list[tuple[str, bytes]]:
    data: Any = request.data
    if not hasattr(data, "lists"):
        return [("", hashlib.sha256(json.dumps(data, sort_keys=True).encode()).digest())]
    return [(name, _part(value)) for name, values in data.lists() for value in values]


def _part(value: "str | UploadedFile[Any]") -> bytes:
    if isinstance(value, str):
        return hashlib.sha256(value.encode()).digest()
    whole = hashlib.sha256()
    for chunk in value.chunks():
        whole.update(chunk)
    value.seek(0)
    return whole.digest()
