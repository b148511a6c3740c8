"""The forms of annotation: they parse what a browser sends, and say in plain words what is missing."""

from datetime import timedelta
from functools import lru_cache
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone

from annotation.collecting.queue import Origin
from annotation.collecting.shown import letters, ranks_by_place
from annotation.models import Assignment, Flag, Ranking

Verdict = Ranking.Verdict
LONGEST_REASON = 500
LONGEST_RATIONALE = 5_000


class JudgementForm(forms.Form):
    """What the forms of every kind have: the version of the guidelines that their page shows."""

    def guidelines_shown(self) -> int | None:
        """None where the page did not say, or said nothing that could be one."""
        version = self.data.get("guidelines", "")
        return int(version) if version.isdecimal() and len(version) < 10 else None


class DraftForm(JudgementForm):
    """A judgement as far as it has come: every field may be empty."""

    confidence_levels = tuple(Ranking.Confidence.choices)
    verdict = forms.ChoiceField(choices=Verdict.choices, required=False, initial=Verdict.RANKED)
    reason = forms.CharField(max_length=LONGEST_REASON, required=False)
    confidence = forms.ChoiceField(choices=confidence_levels, required=False)
    rationale = forms.CharField(max_length=LONGEST_RATIONALE, required=False, strip=False)
    active_seconds = forms.FloatField(min_value=0, required=False)

    def __init__(
        self, data: QueryDict | None = None, *, assignment: Assignment, draft: dict[str, Any] | None = None
    ) -> None:
        """``draft`` is what stands in the form at first, in the shape of a draft; the assignment's draft without it."""
        draft = assignment.draft if draft is None else draft
        initial = {name: value for name, value in draft.items() if name != "ranks"}
        initial |= {f"rank_{letter}": rank for letter, rank in draft.get("ranks", {}).items()}
        super().__init__(data, initial=initial)
        self.assignment = assignment
        self.letters = letters(assignment)
        for letter in self.letters:
            self.fields[f"rank_{letter}"] = _rank_field(len(self.letters))

    def place_shown(self, letter: str) -> str:
        """What stands there as the place of a completion; "" before it has one."""
        value = self[f"rank_{letter}"].value()
        return "" if value is None else str(value)

    def clean_rationale(self) -> str:
        """With plain line ends: browsers send CRLF."""
        text: str = self.cleaned_data["rationale"]
        return text.replace("\r\n", "\n")

    def clean_active_seconds(self) -> float | None:
        """No more than the time since the task was opened, whatever a browser's clock did."""
        return seconds_within(self.assignment, self.cleaned_data["active_seconds"])

    def rank_of(self) -> dict[str, int]:
        """The ranks there are, by letter."""
        ranks = {letter: self.cleaned_data.get(f"rank_{letter}") for letter in self.letters}
        return {letter: rank for letter, rank in ranks.items() if rank}

    def draft(self) -> dict[str, Any]:
        """What ``Assignment.draft`` keeps; this form reads it back."""
        named = ("verdict", "reason", "confidence", "rationale", "active_seconds")
        return {"ranks": self.rank_of(), **{name: self.cleaned_data[name] for name in named}}


class RankingForm(DraftForm):
    """A whole judgement: every completion placed, or a verdict without an order and its reason."""

    lacks_reason = "Say in a few words why none of them can be ranked."

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("verdict") in {"", Verdict.RANKED}:
            cleaned["verdict"] = Verdict.RANKED
            self._refuse_unplaced()
        elif not cleaned.get("reason"):
            self.add_error("reason", self.lacks_reason)
        return cleaned

    def _refuse_unplaced(self) -> None:
        placed = self.rank_of()
        missing = [letter for letter in self.letters if letter not in placed]
        if missing:
            verb = "has no place" if len(missing) == 1 else "have no place"
            names = " and ".join(filter(None, (", ".join(missing[:-1]), missing[-1])))
            self.add_error(None, f"{names} {verb} yet. Nothing was submitted.")

    def judgement(self) -> dict[str, Any]:
        """The arguments of ``ranking.submit``, the assignment and the annotator apart."""
        ranked = self.cleaned_data["verdict"] == Verdict.RANKED
        return {
            "verdict": self.cleaned_data["verdict"],
            "ranks": ranks_by_place(self.assignment.order_shown, self.rank_of()) if ranked else (),
            "confidence": self.cleaned_data["confidence"],
            "rationale": self.cleaned_data["rationale"].strip(),
            "reason": "" if ranked else self.cleaned_data["reason"],
            "active_seconds": self.cleaned_data["active_seconds"],
            "guidelines_shown": self.guidelines_shown(),
        }


class SkipForm(forms.Form):
    """Why a task is passed on."""

    reason = forms.CharField(
        max_length=LONGEST_REASON, error_messages={"required": "Say in a few words why you skip this task."}
    )


class OriginForm(forms.Form):
    """What a page says of a draft beside it: the browser's name, and how many seconds ago it was changed there."""

    browser = forms.UUIDField(required=False)
    age = forms.FloatField(min_value=0, max_value=365 * 86_400, required=False)
    changed = forms.BooleanField(required=False)
    seen = forms.DateTimeField(required=False)

    def origin(self) -> Origin | None:
        """What it said; None for a draft that says nothing of where it comes from."""
        browser = self.cleaned_data["browser"]
        if not browser:
            return None
        age = timedelta(seconds=self.cleaned_data["age"] or 0)
        return Origin(browser.hex, age, self.cleaned_data["changed"], self.cleaned_data["seen"])


class FlagForm(forms.Form):
    """What is wrong with a task, and whether to pass it on too."""

    categories = (("", "Choose what is wrong"), *Flag.Category.choices)
    category = forms.ChoiceField(choices=categories)
    words = forms.CharField(max_length=LONGEST_REASON, required=False)
    passing = forms.BooleanField(required=False)


def seconds_within(assignment: Assignment, seconds: float | None) -> float | None:
    """Active seconds, no more than have passed since the assignment was opened."""
    elapsed = (timezone.now() - assignment.opened_at).total_seconds()
    return None if seconds is None else min(seconds, max(0.0, elapsed))


# Nothing of a form changes them, and a page's four take longer to make than to read.
@lru_cache
def _rank_field(places: int) -> forms.TypedChoiceField:
    choices = [("", ""), *((rank, rank) for rank in range(1, places + 1))]
    return forms.TypedChoiceField(choices=choices, coerce=int, empty_value=None, required=False)
