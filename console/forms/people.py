"""Who may work on a project."""

from django import forms
from django.contrib.auth.models import User

from annotation import members
from annotation.models import Invitation, Membership
from console.accounts import NotSent, mail_invitation
from console.forms.action import Action, choices


class _Inviting(Action):
    """What makes a link, which its page shows once, and which goes out by mail where a server for it is set."""

    page = "people"

    def hand_out(self, path: str, email: str) -> None:
        """Send the link at ``path``, and say what is left to do."""
        self.link = self.address_of(path)
        try:
            sent = mail_invitation(project=self.project, email=email, link=self.link)
        except NotSent as error:
            self.done = f"The mail to {email} did not leave ({error}): send them the link below."
        else:
            self.done = f"Sent to {email}." if sent else f"Send {email} the link below."


class InviteForm(_Inviting):
    """Invite a person into the project."""

    button = "Invite"
    email = forms.EmailField(label="E-mail")
    role = forms.ChoiceField(choices=Membership.Role.choices)

    def perform(self, user: User) -> None:
        fields = self.cleaned_data
        self.hand_out(
            members.invite(project=self.project, email=fields["email"], role=fields["role"]), fields["email"]
        )


class _OfInvitation(Action):
    """What is done to an open invitation."""

    page = "people"
    invitation = forms.ModelChoiceField(Invitation.objects.none())

    def prepare(self) -> None:
        choices(self, "invitation").queryset = members.invitations(self.project)


class InviteAgainForm(_OfInvitation, _Inviting):
    """A new link in the place of one that was lost."""

    button = "New link"

    def perform(self, user: User) -> None:
        invitation = self.cleaned_data["invitation"]
        self.hand_out(members.invite_again(invitation=invitation), invitation.email)


class RevokeForm(_OfInvitation):
    """Take an invitation back."""

    button = "Revoke"
    done = "Its link lets nobody in any more."

    def perform(self, user: User) -> None:
        members.revoke(invitation=self.cleaned_data["invitation"])


class _OfMember(Action):
    """What is done to a member."""

    page = "people"
    member = forms.ModelChoiceField(Membership.objects.none())

    def prepare(self) -> None:
        choices(self, "member").queryset = members.memberships(self.project)


class RoleForm(_OfMember):
    """What a member may do."""

    button = "Change"
    role = forms.ChoiceField(choices=Membership.Role.choices)

    def perform(self, user: User) -> None:
        membership, role = self.cleaned_data["member"], self.cleaned_data["role"]
        members.change_role(membership=membership, role=role)
        self.done = f"{membership.user} is {'a researcher' if role == 'researcher' else 'an annotator'} now."


class RemoveForm(_OfMember):
    """Let a member go; their work stays."""

    button = "Remove from the project"

    def perform(self, user: User) -> None:
        membership = self.cleaned_data["member"]
        members.remove(membership=membership)
        self.done = f"{membership.user} has left the project. What they judged stays."
