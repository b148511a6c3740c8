"""Projects and who works on them: accounts, roles, invitations, pseudonyms."""

import datetime
import hashlib
import secrets
from decimal import Decimal
from typing import TypedDict, Unpack

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Value
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone

from annotation.errors import BadRequest, NotAllowed
from annotation.models import Annotator, Invitation, Membership, Project
from annotation.rows import Rows
from runs.writing import write

INVITATION_DAYS = 14


class ProjectChanges(TypedDict, total=False):
    """What a project asks of annotators; the fields of Project say what each means."""

    name: str
    guidelines: str
    completions_per_task: int
    annotators_per_task: int
    lease_seconds: int
    random_share: float
    hour_cost: Decimal
    currency: str


@write
def create_project(
    *,
    slug: str,
    name: str = "",
    guidelines: str = "",
    completions_per_task: int = 4,
    annotators_per_task: int = 1,
    is_demo: bool = False,
) -> Project:
    """A new project. Raises BadRequest where a field is not what it may be, or the slug is taken."""
    project = Project(
        slug=slug,
        name=name or slug.replace("-", " ").capitalize(),
        guidelines=guidelines,
        completions_per_task=completions_per_task,
        annotators_per_task=annotators_per_task,
        is_demo=is_demo,
    )
    try:
        project.full_clean()
    except ValidationError as error:
        problems = [f"{field}: {' '.join(texts)}" for field, texts in error.message_dict.items()]
        raise BadRequest(" ".join(problems)) from error
    project.save()
    return project


@write
def change_project(*, project: Project, **changes: Unpack[ProjectChanges]) -> Project:
    """Change what is asked of annotators; other guidelines are the next version of them. Raises BadRequest.

    Locks the project, so that of two changes at once each makes a version.
    """
    locked = Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    if changes.get("guidelines", locked.guidelines) != locked.guidelines:
        locked.guideline_version += 1
    for name, value in changes.items():
        setattr(locked, name, value)
    try:
        locked.full_clean(validate_unique=False)
    except ValidationError as error:
        problems = [f"{field}: {' '.join(texts)}" for field, texts in error.message_dict.items()]
        raise BadRequest(" ".join(problems)) from error
    locked.save(update_fields=[*changes, "guideline_version"])
    return locked


def account_named(name: str) -> User | None:
    """The account of this name, in whatever capitals either is written."""
    return User.objects.alias(lower=Lower("username")).filter(lower=Lower(Value(name))).first()


@write
def invite(*, project: Project, email: str, role: str) -> str:
    """The path of a link that makes its holder a member, once, within 14 days. Raises BadRequest.

    Only the token's digest is stored: the link cannot be read back out of the database.
    """
    if role not in Membership.Role.values:
        raise BadRequest(f"The role must be one of {', '.join(Membership.Role.values)}.")
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


def known_annotator(*, slug: str, user: User) -> Annotator | None:
    """The annotator that ``user`` is already in the project they may still judge in, with it, in one query."""
    if not user.is_active:
        return None
    return _KNOWN.first(slug=slug, user=user.pk, everywhere=user.is_superuser)


_KNOWN = Rows(
    Annotator,
    """
    SELECT [annotator], [project] FROM annotation_annotator annotator
    JOIN annotation_project project ON project.id = annotator.project_id
    WHERE project.slug = %(slug)s AND annotator.user_id = %(user)s AND (%(everywhere)s OR EXISTS (
        SELECT FROM annotation_membership WHERE project_id = project.id AND user_id = %(user)s))
    """,
    project=Project,
)


def annotator_for(*, project: Project, user: User) -> Annotator:
    """The annotator that ``user`` is in ``project``, made with a pseudonym that tells nothing. Raises NotAllowed."""
    if not Project.objects.annotated_by(user).filter(pk=project.pk).exists():
        raise NotAllowed(f"You are not a member of {project.name}: ask for an invitation.")
    annotator, _ = Annotator.objects.get_or_create(
        project=project, user_id=user.pk, defaults={"pseudonym": f"annotator-{secrets.token_hex(4)}"}
    )
    return annotator


def _open(invitation: Invitation | None) -> Invitation:
    if invitation is None:
        raise NotAllowed("This invitation is not known: ask for a new one.")
    if invitation.accepted_at is not None:
        raise NotAllowed("This invitation has been used: ask for a new one.")
    if invitation.expires_at < timezone.now():
        raise NotAllowed("This invitation has expired: ask for a new one.")
    return invitation


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
