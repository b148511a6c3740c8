"""Who may work on a project."""

from django import forms
from django.contrib.auth.models import User

from annotation import people
from annotation.models import Membership
from console.forms.action import Action


class InviteForm(Action):
    """Invite a person into the project."""

    button = "Make an invitation link"
    email = forms.EmailField(label="E-mail")
    role = forms.ChoiceField(choices=Membership.Role.choices)

    def perform(self, user: User) -> None:
        self.done = "Send this link; it works once: " + people.invite(
            project=self.project, email=self.cleaned_data["email"], role=self.cleaned_data["role"]
        )
