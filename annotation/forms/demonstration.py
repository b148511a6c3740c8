"""The forms of demonstrations: what somebody writes, and what a second person says of it."""

from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict

from annotation.collecting.demonstrating import LONGEST_COMMENT
from annotation.forms.ranking import JudgementForm, seconds_within
from annotation.models import Assignment


class DemonstrationDraftForm(JudgementForm):
    """An answer as far as it has come."""

    text = forms.CharField(required=False, strip=False, max_length=settings.MAX_TEXT_BYTES)
    active_seconds = forms.FloatField(min_value=0, required=False)

    def __init__(
        self, data: QueryDict | None = None, *, assignment: Assignment, draft: dict[str, Any] | None = None
    ) -> None:
        """``draft`` is what stands in the form at first; the assignment's draft without it."""
        super().__init__(data, initial=assignment.draft if draft is None else draft)
        self.assignment = assignment

    def clean_text(self) -> str:
        """With plain line ends: browsers send CRLF."""
        text: str = self.cleaned_data["text"]
        return text.replace("\r\n", "\n")

    def clean_active_seconds(self) -> float | None:
        """No more than the time since the task was opened."""
        return seconds_within(self.assignment, self.cleaned_data["active_seconds"])

    def draft(self) -> dict[str, Any]:
        """What ``Assignment.draft`` keeps; this form reads it back."""
        return {name: self.cleaned_data[name] for name in ("text", "active_seconds")}


class DemonstrationForm(DemonstrationDraftForm):
    """A whole answer; how long it must be is for ``demonstrating`` to say."""

    def judgement(self) -> dict[str, Any]:
        """The arguments of ``demonstrating.submit``, the assignment and the annotator apart."""
        fields = {name: self.cleaned_data[name] for name in ("text", "active_seconds")}
        return {**fields, "guidelines_shown": self.guidelines_shown()}


class ReviewForm(forms.Form):
    """Accept, perhaps with edits, or send back with a comment."""

    decision = forms.ChoiceField(
        choices=[("accept", "Accept"), ("send_back", "Send back")],
        error_messages={
            "required": "Accept it or send it back.",
            "invalid_choice": "Accept it or send it back.",
        },
    )
    text = forms.CharField(required=False, strip=False, max_length=settings.MAX_TEXT_BYTES)
    comment = forms.CharField(required=False, max_length=LONGEST_COMMENT)

    def clean_text(self) -> str:
        """With plain line ends: browsers send CRLF."""
        text: str = self.cleaned_data["text"]
        return text.replace("\r\n", "\n")
