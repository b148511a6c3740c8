"""Links that people get by mail, where a mail server is set: to a new password, and into a project."""

from smtplib import SMTPException

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from annotation.members import INVITATION_DAYS
from annotation.models import Project


class NotSent(RuntimeError):
    """The mail did not leave; the message is the server's reason."""


def reset_path(*, user: User) -> str:
    """The path of a link that sets a new password, once, within ``PASSWORD_RESET_TIMEOUT``.

    Nothing is stored: the link is signed with the password's hash and the last log-in, so either's change ends it.
    """
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    return reverse("account_reset", args=[uid, default_token_generator.make_token(user)])


def mail_reset(*, user: User, link: str) -> bool:
    """Send the link to the account's address. False where no mail server is set, or no address. Raises NotSent."""
    words = (
        f"An administrator of Concord sends you this link to choose a new password for {user.get_username()}:\n\n"
        f"{link}\n\nIt works once, for {hours()} hours. Until you use it your old password stays."
    )
    return _mail(user.email, "A new password for Concord", words)


def mail_invitation(*, project: Project, email: str, link: str) -> bool:
    """Send the link to whoever is invited. False where no mail server is set. Raises NotSent."""
    words = (
        f"You are invited to work on {project.name} in Concord:\n\n{link}\n\n"
        f"The link works once, for {INVITATION_DAYS} days. Without an account you make one there."
    )
    return _mail(email, f"Invitation to {project.name}", words)


def _mail(email: str, subject: str, words: str) -> bool:
    if not settings.MAIL or not email:
        return False
    try:
        send_mail(subject, words, None, [email])
    except (OSError, SMTPException) as error:
        raise NotSent(str(error)) from error
    return True


def hours() -> int:
    """How long a link works."""
    return settings.PASSWORD_RESET_TIMEOUT // 3600
