"""The page of members and invitations: what it shows to whom, and what its forms do."""

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from annotation import members, people
from annotation.models import Invitation, Membership
from config.env import Mail
from tests.pages.cast import Cast, make_cast

pytestmark = pytest.mark.django_db
PAGE = "/admin/projects/helpful/people/"


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def client_of(cast: Cast, name: str = "carol") -> Client:
    client = Client()
    client.force_login(getattr(cast, name))
    return client


def send(client: Client, action: str, **fields: Any) -> Any:
    """Send a form of the page, and follow to what it says."""
    data = {f"{action}-{name}": value for name, value in fields.items()}
    return client.post(f"/admin/projects/helpful/{action}/", data, follow=True)


def test_an_invitations_address_is_whole_shown_once_and_lets_somebody_in(cast: Cast) -> None:
    client = client_of(cast)
    page = send(client, "invite", email="bob@example.org", role="researcher").content.decode()
    assert "Send bob@example.org the link below." in page
    (link,) = re.findall(r'value="(http://testserver/invitations/[^"]+)"', page)
    assert link not in client.get(PAGE).content.decode()
    assert "bob@example.org" in client.get(PAGE).content.decode(), "the open invitation is listed"
    dave = Client()
    dave.force_login(cast.dave)
    assert dave.post(link, follow=True).status_code == 200
    assert Membership.objects.get(user=cast.dave, project=cast.project).role == "researcher"


def test_where_mail_is_set_the_link_goes_out_and_a_failure_is_told(cast: Cast, settings: Any) -> None:
    settings.MAIL = Mail("mail.example.org")
    page = send(client_of(cast), "invite", email="bob@example.org", role="annotator").content.decode()
    (link,) = re.findall(r'value="(http://testserver/invitations/[^"]+)"', page)
    assert "Sent to bob@example.org." in page
    (sent,) = mail.outbox
    assert (sent.to, link in sent.body) == (["bob@example.org"], True)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    page = send(client_of(cast), "invite", email="eve@example.org", role="annotator").content.decode()
    assert "The mail to eve@example.org did not leave" in page
    assert len(re.findall(r'value="http://testserver/invitations/[^"]+"', page)) == 1


def test_a_lost_link_is_made_anew_and_the_old_one_lets_nobody_in(cast: Cast, settings: Any) -> None:
    """Where mail is set the new one goes out too, and the page says so before."""
    client = client_of(cast)
    lost = members.invite(project=cast.project, email="bob@example.org", role="researcher")
    words = "makes another; the old one then lets nobody in"
    assert words in plain(client.get(PAGE).content.decode())
    settings.MAIL = Mail("mail.example.org")
    assert words.replace(";", " and mails it;") in plain(client.get(PAGE).content.decode())
    page = send(client, "invite-again", invitation=Invitation.objects.get().pk).content.decode()
    (link,) = re.findall(r'value="(http://testserver/invitations/[^"]+)"', page)
    assert 'data-copy="new-link"' in page
    (sent,) = mail.outbox
    assert (sent.to, link in sent.body, lost in sent.body) == (["bob@example.org"], True, False)
    dave = Client()
    dave.force_login(cast.dave)
    refused = dave.post(lost, follow=True)
    assert "taken back: ask for a new one" in refused.content.decode()
    assert not Membership.objects.filter(user=cast.dave).exists()
    assert dave.post(link, follow=True).status_code == 200
    assert Membership.objects.get(user=cast.dave, project=cast.project).role == "researcher"


def plain(page: str) -> str:
    """The words of a page."""
    return " ".join(re.sub("<[^>]*>", "", page).split())


def test_an_invitation_is_revoked_or_made_anew(cast: Cast) -> None:
    client = client_of(cast)
    members.invite(project=cast.project, email="bob@example.org", role="annotator")
    first = Invitation.objects.get()
    page = send(client, "invite-again", invitation=first.pk).content.decode()
    assert "http://testserver/invitations/" in page
    second = members.invitations(cast.project).get()
    assert second != first
    assert "lets nobody in" in send(client, "revoke", invitation=second.pk).content.decode()
    assert not members.invitations(cast.project).exists()
    assert send(client, "revoke", invitation=second.pk).status_code == 400


def test_a_member_of_another_project_is_out_of_reach(cast: Cast) -> None:
    members.invite(project=cast.other, email="bob@example.org", role="annotator")
    theirs = cast.other.memberships.get(user=cast.erin)
    client = client_of(cast)
    assert send(client, "remove", member=theirs.pk).status_code == 400
    assert send(client, "role", member=theirs.pk, role="annotator").status_code == 400
    assert send(client, "revoke", invitation=Invitation.objects.get().pk).status_code == 400
    theirs.refresh_from_db()
    assert (theirs.role, Invitation.objects.get().revoked_at) == ("researcher", None)


def test_a_member_is_promoted_and_removed(cast: Cast) -> None:
    client = client_of(cast)
    alice = cast.project.memberships.get(user=cast.alice)
    page = send(client, "role", member=alice.pk, role="researcher").content.decode()
    assert "alice is a researcher now." in page
    assert client_of(cast, "alice").get(PAGE).status_code == 200
    page = send(client, "remove", member=alice.pk).content.decode()
    assert "alice has left the project. What they judged stays." in page
    assert client_of(cast, "alice").get(PAGE).status_code in {302, 403}


def test_names_stand_beside_pseudonyms_for_administrators_alone(cast: Cast) -> None:
    pseudonym = people.annotator_for(project=cast.project, user=cast.alice).pseudonym
    shown = {
        name: pseudonym in client_of(cast, name).get(PAGE).content.decode() for name in ("carol", "olivia")
    }
    assert shown == {"carol": False, "olivia": True}


def test_a_wrong_address_is_told_at_the_form(cast: Cast) -> None:
    answer = send(client_of(cast), "invite", email="nobody", role="annotator")
    assert answer.status_code == 400
    assert "Write an e-mail address, such as name@example.org." in answer.content.decode()
