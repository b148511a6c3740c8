"""How guessing passwords is slowed, on top of django-axes: by account and address, and by address over all accounts.

An office shares one address, so a limit by address alone would let one person in it, or one broken script, shut out
all others. Therefore it is generous, it counts failures alone, and it holds only for browsers in which the account has
never been logged in to: a signed cookie tells the others, which keep the ten tries of their account. Whoever is
shut out all the same waits, or gets a link from an administrator, which no limit holds up. Other addresses are
never concerned. What is closed counts nothing more, so nobody can keep it closed by going on.
"""

from collections.abc import Callable

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.core import signing
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from annotation.people import account_named

COOKIE = "known_accounts"
COOKIE_SECONDS = 365 * 24 * 3600
# Accounts that one browser is known for: machines are shared, cookies are small.
MOST_ACCOUNTS = 10


class Guesses(AxesDatabaseHandler):  # type: ignore[misc]  # axes carries no types
    """Axes' counting by account and address, and a second limit by address alone."""

    def is_locked(self, request: HttpRequest, credentials: dict[str, str] | None = None) -> bool:
        """Whether this account is closed at this address, or the address to browsers that do not know the account."""
        if super().is_locked(request, credentials):
            return True
        request.address_closed = (  # type: ignore[attr-defined]
            _failures_at(request) >= settings.ADDRESS_FAILURES and not _is_known(request, credentials or {})
        )
        return bool(request.address_closed)  # type: ignore[attr-defined]


def locked_page(
    request: HttpRequest, response: HttpResponse | None, credentials: dict[str, str] | None
) -> HttpResponse:
    """Which limit was met, and what to do."""
    context = {"whole_address": getattr(request, "address_closed", False)}
    return render(request, "registration/locked.html", context, status=429)


def free(*, user: User) -> None:
    """Forget the failed log-ins of an account, at every address."""
    AccessAttempt.objects.filter(username=user.get_username()).delete()


def remember_browsers(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware: a browser that logs in, in whatever way, is known for that account from then on."""

    def respond(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        account = getattr(request, "account_logged_in", None)
        if account is not None:
            known = [account, *(one for one in _known(request) if one != account)][:MOST_ACCOUNTS]
            response.set_cookie(
                COOKIE,
                signing.dumps(known, salt=COOKIE),
                max_age=COOKIE_SECONDS,
                path=settings.SESSION_COOKIE_PATH,
                secure=settings.HTTPS,
                httponly=True,
                samesite="Lax",
            )
        return response

    return respond


def _note_log_in(sender: object, request: HttpRequest | None, user: User, **rest: object) -> None:
    if request is not None:
        request.account_logged_in = user.pk  # type: ignore[attr-defined]


user_logged_in.connect(_note_log_in, dispatch_uid="console.guessing")


def _failures_at(request: HttpRequest) -> int:
    since = get_cool_off_threshold(request)
    attempts = AccessAttempt.objects.filter(
        ip_address=request.axes_ip_address,  # type: ignore[attr-defined]
        attempt_time__gte=since,
    )
    return attempts.aggregate(failures=Sum("failures_since_start"))["failures"] or 0


def _is_known(request: HttpRequest, credentials: dict[str, str]) -> bool:
    known = _known(request)
    account = account_named(credentials.get("username") or "") if known else None
    return account is not None and account.pk in known


def _known(request: HttpRequest) -> list[int]:
    try:
        known = signing.loads(request.COOKIES.get(COOKIE, ""), salt=COOKIE, max_age=COOKIE_SECONDS)
    except signing.BadSignature:
        return []
    return [one for one in known if isinstance(one, int)]
