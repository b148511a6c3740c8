"""Who works on a project: invitations, roles, and leaving.

An invitation is a link that works once, for two weeks, until it is revoked; only its token's digest is stored. Who
leaves keeps the account, gives back what they hold, and leaves their work where it is.
"""

import datetime
import hashlib
import secrets
from typing import NamedTuple

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import OuterRef, QuerySet, Subquery
from django.urls import reverse
from django.utils import timezone

from annotation import locks
from annotation.collecting import holding
from annotation.errors import BadRequest, NotAllowed
from annotation.models import Annotator, Assignment, Invitation, Membership, Project
from annotation.quality import work
from runs.writing import write

INVITATION_DAYS = 14


@write
def invite(*, project: Project, email: str, role: str) -> str:
    """The path of a link that makes its holder a member, once, within 14 days. Raises BadRequest.

    Only the token's digest is stored: the link cannot be read back out of the database.
    """
    _check_role(role)
    try:
        Invitation._meta.get_field("email").clean(email, None)
    except ValidationError as error:
        raise BadRequest(f"{email!r} is not an e-mail address.") from error
    token = secrets.token_urlsafe(32)
    Invitation.objects.create(
        token_digest=_digest(token),
        project=project,
        email=email,
        role=role,
        expires_at=timezone.now() + datetime.timedelta(days=INVITATION_DAYS),
    )
    return reverse("invitation", args=[token])


def invitation_for(*, token: str) -> Invitation:
    """The invitation behind a link, while it can be accepted. Raises NotAllowed."""
    return _open(Invitation.objects.select_related("project").filter(token_digest=_digest(token)).first())


@write
def accept(*, token: str, user: User) -> Membership:
    """Make ``user`` a member, and use the invitation up; a researcher who is asked to annotate stays one.

    Locks the invitation: of two who hold the link, one gets in. Raises NotAllowed.
    """
    invitations = Invitation.objects.select_for_update(of=("self",), no_key=True).select_related("project")
    invitation = _open(invitations.filter(token_digest=_digest(token)).first())
    membership, created = Membership.objects.get_or_create(
        project=invitation.project, user_id=user.pk, defaults={"role": invitation.role}
    )
    if not created and invitation.role == Membership.Role.RESEARCHER:
        membership.role = invitation.role
        membership.save(update_fields=["role"])
    invitation.accepted_at = timezone.now()
    invitation.save(update_fields=["accepted_at"])
    return membership


@write
def accept_as_newcomer(*, token: str, user: User) -> Membership:
    """The same for somebody whose account, ``user``, is stored with it. Raises NotAllowed, IntegrityError where another
    account has the name."""
    user.save()
    return accept(token=token, user=user)


@write
def revoke(*, invitation: Invitation) -> None:
    """Its link lets nobody in any more. Raises BadRequest where somebody has come in by it."""
    if not Invitation.objects.filter(pk=invitation.pk, accepted_at=None).update(revoked_at=timezone.now()):
        raise BadRequest(f"{invitation.email} has accepted it: remove the member instead.")


@write
def invite_again(*, invitation: Invitation) -> str:
    """The path of a new link for the same person and role; the old one is revoked. Raises BadRequest."""
    revoke(invitation=invitation)
    return invite(project=invitation.project, email=invitation.email, role=invitation.role)


@write
def change_role(*, membership: Membership, role: str) -> None:
    """What the person may do in the project from now on. Raises BadRequest."""
    _check_role(role)
    if not Membership.objects.filter(pk=membership.pk).update(role=role):
        raise BadRequest("This person has left the project.")


@write
def remove(*, membership: Membership) -> None:
    """The person is no member any more: what they hold goes back to the queue, and their work stays.

    Locks their annotator's row.
    """
    annotator = Annotator.objects.filter(project=membership.project_id, user=membership.user_id).first()
    if annotator is not None:
        locks.annotator(annotator)
        open_assignments = locks.rows(Assignment.objects.open().filter(annotator=annotator))
        holding.hand_back(open_assignments, Assignment.Status.RELEASED)
    Membership.objects.filter(pk=membership.pk).delete()


class Member(NamedTuple):
    """One person: their ``work`` is that of ``annotator``, None of who has not begun."""

    membership: Membership
    annotator: Annotator | None
    last_seen: datetime.datetime | None
    work: work.Work


def memberships(project: Project) -> "QuerySet[Membership]":
    """Researchers first, then by name."""
    rows = Membership.objects.filter(project=project).select_related("user")
    return rows.order_by("-role", "user__username")


def described(project: Project, page: "QuerySet[Membership] | list[Membership]") -> list[Member]:
    """What the page of members says of those on it, in three queries."""
    users = [membership.user_id for membership in page]
    judged = Assignment.objects.filter(annotator=OuterRef("pk"), status=Assignment.Status.SUBMITTED)
    last_judged = Subquery(judged.order_by("-closed_at").values("closed_at")[:1])
    annotators = {
        one.user_id: one
        for one in Annotator.objects.filter(project=project, user__in=users).annotate(judged_at=last_judged)
    }
    works = work.of([one.pk for one in annotators.values()])
    members = []
    for membership in page:
        annotator = annotators.get(membership.user_id)
        times = (membership.user.last_login, None if annotator is None else annotator.judged_at)
        last_seen = max((time for time in times if time is not None), default=None)
        done = work.Work() if annotator is None else works[annotator.pk]
        members.append(Member(membership, annotator, last_seen, done))
    return members


def invitations(project: Project) -> "QuerySet[Invitation]":
    """Those that can still be accepted or could have been, the newest first."""
    return Invitation.objects.filter(project=project, accepted_at=None, revoked_at=None).order_by("-pk")


def _check_role(role: str) -> None:
    if role not in Membership.Role.values:
        raise BadRequest(f"The role must be one of {', '.join(Membership.Role.values)}.")


def _open(invitation: Invitation | None) -> Invitation:
    if invitation is None:
        raise NotAllowed("This invitation is not known: ask for a new one.")
    if invitation.accepted_at is not None:
        raise NotAllowed("This invitation has been used: ask for a new one.")
    if invitation.revoked_at is not None:
        raise NotAllowed("This invitation was taken back: ask for a new one.")
    if invitation.has_expired:
        raise NotAllowed("This invitation has expired: ask for a new one.")
    return invitation


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
