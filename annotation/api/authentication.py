"""Who a program acts for: ``Authorization: Bearer <token>``. Browsers use their session, with its CSRF token."""

from django.contrib.auth.models import User
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from annotation import tokens
from annotation.models import ApiToken

KEYWORD = "Bearer"


class TokenAuthentication(BaseAuthentication):
    """``request.user`` is the token's account, ``request.auth`` the token."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """None without a Bearer header: then a session may say who it is."""
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != KEYWORD.lower().encode():
            return None
        try:
            token = tokens.token_of(secret=words[1].decode("ascii")) if len(words) == 2 else None
        except UnicodeDecodeError:
            token = None
        if token is None:
            raise AuthenticationFailed(
                "This token is unknown, expired or revoked: make one at /account/tokens/."
            )
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return f'{KEYWORD} realm="concord"'
