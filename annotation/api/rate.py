"""How fast a caller may ask, counted in Postgres so that all web processes count together.

The generic cell rate algorithm: a caller's requests are due one interval after another; whoever is further ahead of
that than the burst allows must wait. One row a caller and one statement a request, which commits by itself.
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from annotation.models import ApiToken, RequestRate

_TABLE = RequestRate._meta.db_table
# The row is left as it is where the caller is too far ahead, and then nothing is returned.
_ADMIT = f"""
    INSERT INTO {_TABLE} AS rate (caller, due_at) VALUES (%(caller)s, clock_timestamp() + %(interval)s * interval '1 s')
    ON CONFLICT (caller) DO UPDATE
        SET due_at = greatest(rate.due_at, clock_timestamp()) + %(interval)s * interval '1 s'
        WHERE rate.due_at <= clock_timestamp() + %(ahead)s * interval '1 s'
    RETURNING 1
"""  # noqa: S608 (the table's own name)
_WAIT = f"SELECT extract(epoch FROM due_at - clock_timestamp()) FROM {_TABLE} WHERE caller = %s"  # noqa: S608


class CallerThrottle(BaseThrottle):
    """``CONCORD_API_RATE`` requests a minute for each token, and for each account in a browser."""

    _seconds: float | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        """Whether this one may pass. Nobody without an account gets as far as this, but for the documentation."""
        caller = _caller(request)
        if caller is None:
            return True
        self._seconds = _seconds_to_wait(caller, settings.API_RATE)
        return self._seconds is None

    def wait(self) -> float | None:
        """Seconds, for Retry-After."""
        return self._seconds


def _caller(request: Request) -> str | None:
    if isinstance(request.auth, ApiToken):
        return f"token {request.auth.pk}"
    return f"account {request.user.pk}" if request.user.is_authenticated else None


def _seconds_to_wait(caller: str, a_minute: int) -> float | None:
    """None where the request may pass; a whole minute's requests may come at once."""
    interval = 60 / a_minute
    # A request is let in while the ones before it are due within a minute, less its own interval.
    ahead = 60 - interval
    values: dict[str, str | float] = {"caller": caller, "interval": interval, "ahead": ahead}
    with connection.cursor() as cursor:
        cursor.execute(_ADMIT, values)
        if cursor.fetchone() is not None:
            return None
        cursor.execute(_WAIT, [caller])
        return max(0.0, float(cursor.fetchone()[0]) - ahead)


def forget_old() -> int:
    """Delete the rows of callers who owe no waiting; returns how many."""
    return RequestRate.objects.filter(due_at__lt=Now() - timedelta(hours=1)).delete()[0]
