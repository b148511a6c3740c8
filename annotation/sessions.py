"""Whose browser it is, in one statement a request: a session's row names its account, and both are read together.

Django's own store knows the account only by what is encoded in the session, and so asks twice. Everything else is
Django's: what a session holds, when it ends, and that a new password ends all others (``auth.get_user``).

SessionStore        the session of a cookie, with its account   (SESSION_ENGINE)
AccountMiddleware   ``request.user`` from it                    (in the place of AuthenticationMiddleware)
AccountBackend      hands that account over, once it is read    (in the place of ModelBackend)
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

from django.contrib import auth
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends import db
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from annotation.models import Session
from annotation.rows import Rows

_LIVE = Rows(
    Session,
    """
    SELECT [session], [account] FROM annotation_session session
    LEFT JOIN auth_user account ON account.id = session.account_id
    WHERE session.session_key = %(key)s AND session.expire_date > statement_timestamp()
    """,
    account=User,
)
# The account that came with the session that is being looked at.
_account_read: ContextVar[User | None] = ContextVar("account_read", default=None)


class SessionStore(db.SessionStore):
    """A session; ``account`` is whose it is, once it is loaded."""

    account: User | None = None

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        session = cast("Session", super().create_model_instance(data))
        session.account_id = data.get(auth.SESSION_KEY)
        return session

    def load(self) -> dict[str, Any]:
        session = _LIVE.first(key=self.session_key)
        if session is None:
            self._session_key = None
            return {}
        self.account = session.account
        return self.decode(session.session_data)


class AccountMiddleware(AuthenticationMiddleware):
    """``request.user``, looked for when somebody asks."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)

        def account() -> User | AnonymousUser:
            request.session.get(auth.SESSION_KEY)  # loads it
            with _read(getattr(request.session, "account", None)):
                return auth.get_user(request)

        request.user = cast("User", SimpleLazyObject(account))


class AccountBackend(ModelBackend):
    """Passwords and permissions as Django has them."""

    def get_user(self, user_id: int) -> User | None:
        account = _account_read.get()
        if account is None or account.pk != user_id:
            return super().get_user(user_id)
        return account if self.user_can_authenticate(account) else None


@contextmanager
def _read(account: User | None) -> Iterator[None]:
    token = _account_read.set(account)
    try:
        yield
    finally:
        _account_read.reset(token)
