"""Forms of accounts and their passwords, in Concord's words in place of Django's."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.forms import (
    PasswordChangeForm,
    SetPasswordForm,
    SetPasswordMixin,
    UserCreationForm,
)

from annotation.passwords import REQUIREMENTS

TAKEN = "This name is taken: choose another, or log in if it is yours."
_LABELS = {
    "old_password": "Password now",
    "password1": "Password",
    "password2": "The same again",
    "new_password1": "New password",
    "new_password2": "The same again",
}
_WRONG = {
    "password_mismatch": "This is not what you wrote above: write the same password twice.",
    "password_incorrect": "This is not your password now: write it again.",
}


class PlainPasswords(SetPasswordMixin):  # type: ignore[type-arg]  # generic in the stubs alone
    """A form that sets a password. What is wrong with it stands at the field in which it is first written."""

    fields: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        self.error_messages = {**self.error_messages, **_WRONG}
        for name, field in self.fields.items():
            field.error_messages["required"] = "Fill this in."
            field.label = _LABELS.get(name, field.label)
            if name.endswith("password1"):
                field.help_text = REQUIREMENTS

    def validate_password_for_user(self, user: Any, *args: Any, **kwargs: Any) -> None:
        """Django tells it at the field of the repetition."""
        first = "new_password1" if "new_password1" in self.fields else "password1"
        super().validate_password_for_user(user, first)


class AccountForm(PlainPasswords, UserCreationForm):  # type: ignore[type-arg]  # generic in the stubs alone
    """A new account for the holder of an invitation."""

    class Meta:
        model = get_user_model()
        fields = ("username",)
        error_messages = {
            "username": {
                "unique": TAKEN,
                "invalid": "Use letters, digits and @ . + - _ alone, without spaces.",
            }
        }


class OwnPasswordForm(PlainPasswords, PasswordChangeForm):
    """Another password in the place of one's own."""


class NewPasswordForm(PlainPasswords, SetPasswordForm):  # type: ignore[type-arg]  # generic in the stubs alone
    """A password for who comes by a link."""
