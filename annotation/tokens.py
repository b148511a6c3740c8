"""Tokens of programs: made and revoked by whoever they act for; the secret is shown once and kept as its digest."""

import datetime
import hashlib
import secrets
from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.utils import timezone

from annotation.errors import BadRequest, NotAllowed
from annotation.models import ApiToken, Project
from runs.writing import write

# What a secret begins with, so that people and scanners of leaked secrets know what they see.
PREFIX = "concord_"
USUAL_DAYS, LONGEST_DAYS = 90, 3650
# A token in use writes its row this often at most.
NOTED_EVERY = datetime.timedelta(minutes=1)


@write
def create_token(
    *,
    user: User,
    name: str,
    scopes: Sequence[str],
    project: Project | None = None,
    days: int = USUAL_DAYS,
) -> tuple[ApiToken, str]:
    """A token that acts for ``user``, and its secret, which nothing shows again.

    ``project`` narrows it to one of their projects; after ``days`` it lets nobody in. Raises BadRequest, NotAllowed.
    """
    if not name.strip():
        raise BadRequest("Name the token, so that you know later what holds it.")
    unknown = sorted(set(scopes) - set(ApiToken.SCOPES))
    if unknown or not scopes:
        raise BadRequest(f"The scopes of a token are some of {', '.join(ApiToken.SCOPES)}.")
    if not 1 <= days <= LONGEST_DAYS:
        raise BadRequest(f"A token lives from 1 to {LONGEST_DAYS} days.")
    if project is not None and not Project.objects.annotated_by(user).filter(pk=project.pk).exists():
        raise NotAllowed(f"{user.get_username()} is not a member of {project.name}.")
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        project=project,
        name=name.strip()[:100],
        digest=_digest(secret),
        hint=secret[: len(PREFIX) + 4],
        scopes=[scope for scope in ApiToken.SCOPES if scope in scopes],
        expires_at=timezone.now() + datetime.timedelta(days=days),
    )
    return token, secret


def revoke_token(*, token: ApiToken) -> None:
    """Let nobody in with it any more. Revoking twice keeps the first time."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=Now())


def token_of(*, secret: str) -> ApiToken | None:
    """The usable token with this secret, its use noted; None where there is none."""
    token = ApiToken.objects.usable().select_related("user", "project").filter(digest=_digest(secret)).first()
    if token is not None and _is_long_ago(token.last_used_at):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=Now())
    return token


def _is_long_ago(used_at: datetime.datetime | None) -> bool:
    """By this machine's clock, which need not be that of the database: a use is noted to the minute or so."""
    return used_at is None or used_at < timezone.now() - NOTED_EVERY


def _digest(secret: str) -> str:
    """Of a random secret of 256 bits a plain digest is enough: there is nothing to guess."""
    return hashlib.sha256(secret.encode()).hexdigest()
