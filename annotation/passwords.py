"""What a password has to be, in one sentence, and what is wrong with one that is not."""

from django.contrib.auth import password_validation as django_rules
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

LEAST_CHARACTERS = 12
REQUIREMENTS = (
    f"At least {LEAST_CHARACTERS} characters, unlike your name and address, and none of the passwords that "
    "everybody thinks of: a few words in a row do well."
)


class PasswordRule:
    """Django's rules on length, likeness and frequency as one (``AUTH_PASSWORD_VALIDATORS``)."""

    def __init__(self) -> None:
        self._likeness = django_rules.UserAttributeSimilarityValidator()
        self._frequency = django_rules.CommonPasswordValidator()

    def validate(self, password: str, user: User | None = None) -> None:
        """Raises ValidationError that says what to do."""
        if len(password) < LEAST_CHARACTERS:
            raise ValidationError(
                f"Write at least {LEAST_CHARACTERS} characters: these are {len(password)}.",
                code="password_too_short",
            )
        for rule, wrong in (
            (self._likeness, "This is too much like your name or address: choose another."),
            (self._frequency, "Many people have this password, so it is guessed first: choose another."),
        ):
            try:
                rule.validate(password, user)
            except ValidationError as error:
                raise ValidationError(wrong, code=error.code) from error

    def get_help_text(self) -> str:
        """The sentence."""
        return REQUIREMENTS
