"""The form of a rating: a field a letter and axis."""

from typing import Any, NamedTuple

from django import forms
from django.http import QueryDict

from annotation.collecting.rating import axes_of
from annotation.collecting.shown import letters, scores_as_draft
from annotation.forms.ranking import JudgementForm, seconds_within
from annotation.models import Assignment
from annotation.preferences.axes import Axis

CANNOT_SAY = "none"


class Step(NamedTuple):
    """One choice on a scale."""

    value: str
    words: str
    chosen: bool


class Row(NamedTuple):
    """One completion on one axis, as a page shows it."""

    name: str
    axis: Axis
    steps: list[Step]
    cannot_say: Step | None
    error: str


class RatingDraftForm(JudgementForm):
    """Scores as far as they have come: every field may be empty."""

    active_seconds = forms.FloatField(min_value=0, required=False)

    def __init__(
        self, data: QueryDict | None = None, *, assignment: Assignment, draft: dict[str, Any] | None = None
    ) -> None:
        """``draft`` is what stands in the form at first, by field; the assignment's draft without it."""
        super().__init__(data, initial=assignment.draft if draft is None else draft)
        self.assignment = assignment
        self.axes = axes_of(assignment.project)
        self.letters = letters(assignment)
        for letter in self.letters:
            for axis in self.axes:
                self.fields[field_name(letter, axis.name)] = _score_field(axis)

    def clean_active_seconds(self) -> float | None:
        """No more than the time since the task was opened."""
        return seconds_within(self.assignment, self.cleaned_data["active_seconds"])

    def draft(self) -> dict[str, Any]:
        """What ``Assignment.draft`` keeps; this form reads it back."""
        return {name: value for name, value in self.cleaned_data.items() if value not in ("", None)}

    def rows(self, letter: str) -> list[Row]:
        """The scales of one completion, with what is chosen and what is missing."""
        return [self._row(letter, axis) for axis in self.axes]

    def _row(self, letter: str, axis: Axis) -> Row:
        name = field_name(letter, axis.name)
        value = str(self[name].value() or "")
        words = {axis.least: axis.least_words, axis.most: axis.most_words}
        steps = [Step(str(score), words.get(score, ""), value == str(score)) for score in axis.steps]
        cannot = None if axis.required else Step(CANNOT_SAY, "Cannot say", value == CANNOT_SAY)
        return Row(name, axis, steps, cannot, _problem(self, name))


class RatingForm(RatingDraftForm):
    """A whole answer: every completion has something said on every axis."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for letter in self.letters:
            for axis in self.axes:
                name = field_name(letter, axis.name)
                if not cleaned.get(name) and name not in self.errors:
                    self.add_error(name, f"{axis.label} of {letter} has no score yet.")
        scores = [field_name(letter, axis.name) for letter in self.letters for axis in self.axes]
        wrong = [_problem(self, name) for name in scores if name in self.errors]
        if wrong:
            several = f"{len(wrong)} scores are missing or off their scale: the scales say which."
            self.add_error(None, f"{wrong[0] if len(wrong) == 1 else several} Nothing was submitted.")
        return cleaned

    def judgement(self) -> dict[str, Any]:
        """The arguments of ``rating.submit``, the assignment and the annotator apart."""
        return {
            "scores": self._scores(),
            "active_seconds": self.cleaned_data["active_seconds"],
            "guidelines_shown": self.guidelines_shown(),
        }

    def _scores(self) -> list[dict[str, int | None]]:
        """By axis, of the completion at each place of the task."""
        by_place: list[dict[str, int | None]] = [{} for _ in self.letters]
        for letter, place in zip(self.letters, self.assignment.order_shown, strict=True):
            for axis in self.axes:
                value = self.cleaned_data[field_name(letter, axis.name)]
                by_place[place][axis.name] = None if value == CANNOT_SAY else int(value)
        return by_place


def _problem(form: forms.Form, name: str) -> str:
    return " ".join(str(error) for error in form.errors.get(name, ())) if form.is_bound else ""


def field_name(letter: str, axis: str) -> str:
    """The field of a completion's score on an axis, and its key in a draft."""
    return f"score_{letter}_{axis}"


def _score_field(axis: Axis) -> forms.ChoiceField:
    choices = [(str(score), str(score)) for score in axis.steps]
    if not axis.required:
        choices.append((CANNOT_SAY, "Cannot say"))
    # Of a page that showed another scale: it was changed meanwhile.
    wrong = {"invalid_choice": f"{axis.label} goes from {axis.least} to {axis.most} now."}
    return forms.ChoiceField(choices=choices, required=False, error_messages=wrong)


def by_letter(assignment: Assignment) -> dict[str, dict[str, int | None]]:
    """The scores of an assignment, submitted or drafted, by letter and axis."""
    submitted = assignment.status == Assignment.Status.SUBMITTED
    draft = scores_as_draft(assignment) if submitted else assignment.draft
    scores: dict[str, dict[str, int | None]] = {}
    for letter in letters(assignment):
        for axis in axes_of(assignment.project):
            value = draft.get(field_name(letter, axis.name))
            if value:
                scores.setdefault(letter, {})[axis.name] = None if value == CANNOT_SAY else int(value)
    return scores
