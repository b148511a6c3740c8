"""What forms say of a field that is wrong: what to do, in plain words, in place of Django's own."""

from collections.abc import Mapping
from typing import Any

from django import forms

# By the code of an error.
WORDS: Mapping[str, str] = {
    "required": "Fill this in.",
    "min_value": "Value must be at least %(limit_value)s.",
    "max_value": "Value must be at most %(limit_value)s.",
    "min_length": "Write at least %(limit_value)d characters: these are %(show_value)d.",
    "max_length": "Write at most %(limit_value)d characters: these are %(show_value)d.",
    "max_digits": "Use at most %(max)s digits.",
    "max_whole_digits": "Use at most %(max)s digits before the point.",
    "max_decimal_places": "Use at most %(max)s digits after the point.",
    "null_characters_not_allowed": "Take out the characters that cannot be seen (NUL).",
}
# The same of one kind of field, which the field's own error comes in.
OF_A_KIND: tuple[tuple[type[forms.Field], Mapping[str, str]], ...] = (
    (forms.EmailField, {"invalid": "Write an e-mail address, such as name@example.org."}),
    (forms.SlugField, {"invalid": "Use letters, digits, hyphens and underscores alone."}),
    (forms.JSONField, {"invalid": "This is not JSON."}),
    (forms.ModelChoiceField, {"required": "Choose one.", "invalid_choice": "Choose one that is listed now."}),
    (
        forms.ChoiceField,
        {"required": "Choose one.", "invalid_choice": "Choose one that is listed: %(value)s is not."},
    ),
    (forms.FileField, {"required": "Choose a file.", "empty": "This file is empty: choose another."}),
    (forms.BooleanField, {"required": "Tick this to go on."}),
)


class PlainForm(forms.Form):
    """A form whose fields say what to do about them; what a field says itself stays. Labels end in no colon."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""

    def full_clean(self) -> None:
        for field in self.fields.values():
            kind = next((words for one, words in OF_A_KIND if isinstance(field, one)), {})
            usual = _usual(field)
            own_codes = {code for code, words in field.error_messages.items() if words != usual.get(code)}
            field.error_messages |= {
                code: words for code, words in {**WORDS, **kind}.items() if code not in own_codes
            }
        super().full_clean()


def _usual(field: forms.Field) -> dict[str, object]:
    """What Django says where nobody chose other words."""
    words: dict[str, object] = {}
    for one in reversed(type(field).__mro__):
        words |= getattr(one, "default_error_messages", {})
    return words
