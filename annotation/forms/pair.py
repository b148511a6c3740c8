"""The form of a pair with strength: one choice of seven, from A much better over a tie to B much better."""

from typing import Any

from django import forms
from django.http import QueryDict

from annotation.forms.ranking import DraftForm, RankingForm
from annotation.models import Assignment, Ranking, Task

RANKED = Ranking.Verdict.RANKED
TIE = 4


def asks_strength(assignment: Assignment) -> bool:
    """Whether the project asks how much better one of two is."""
    pair = assignment.task.kind == Task.Kind.RANK and len(assignment.order_shown) == 2
    return pair and assignment.project.ask_strength


def _is_of_strength(data: QueryDict | None, assignment: Assignment) -> bool:
    """Whether ``data`` come from a page of a choice: what a page asked stands, though the project asks otherwise now.

    A board sends both places whatever is in them, a page of a choice none; without a choice that sends nothing of it.
    """
    if data is None or assignment.task.kind != Task.Kind.RANK or len(assignment.order_shown) != 2:
        return asks_strength(assignment)
    return "preference" in data or (asks_strength(assignment) and "rank_A" not in data)


def draft_form(data: QueryDict | None = None, *, assignment: Assignment) -> DraftForm:
    """The form of a draft of this assignment."""
    form = PairDraftForm if _is_of_strength(data, assignment) else DraftForm
    return form(data, assignment=assignment)


def ranking_form(
    data: QueryDict | None = None, *, assignment: Assignment, draft: dict[str, Any] | None = None
) -> RankingForm:
    """The form of a whole judgement of this assignment."""
    form = PairForm if _is_of_strength(data, assignment) else RankingForm
    return form(data, assignment=assignment, draft=draft)


class PairDraftForm(DraftForm):
    """The choice, as far as there is one."""

    steps = (
        ("1", "A is much better"),
        ("2", "A is better"),
        ("3", "A is slightly better"),
        ("4", "They are equal"),
        ("5", "B is slightly better"),
        ("6", "B is better"),
        ("7", "B is much better"),
    )
    preference = forms.TypedChoiceField(choices=steps, coerce=int, empty_value=None, required=False)

    def __init__(
        self, data: QueryDict | None = None, *, assignment: Assignment, draft: dict[str, Any] | None = None
    ) -> None:
        super().__init__(data, assignment=assignment, draft=draft)
        self.initial.setdefault("preference", preference_of(draft or {}))

    def draft(self) -> dict[str, Any]:
        return {**super().draft(), "preference": self.cleaned_data["preference"]}


class PairForm(PairDraftForm, RankingForm):
    """A choice, or a verdict without one and its reason."""

    lacks_reason = "Say in a few words why neither can be chosen."

    def rank_of(self) -> dict[str, int]:
        """A is place 1 and B place 2 below the tie, which is both at place 1."""
        chosen = self.cleaned_data.get("preference")
        if chosen is None:
            return {}
        return {"A": 2 if chosen > TIE else 1, "B": 2 if chosen < TIE else 1}

    def _refuse_unplaced(self) -> None:
        if not self.rank_of() and "preference" not in self.errors:
            self.add_error("preference", "Say which is better, and how much. Nothing was submitted.")

    def judgement(self) -> dict[str, Any]:
        judgement = super().judgement()
        chosen: int = self.cleaned_data.get("preference") or TIE
        decided = judgement["verdict"] == RANKED and chosen != TIE
        return {**judgement, "strength": abs(chosen - TIE) if decided else None}


def preference_of(draft: dict[str, Any]) -> int | None:
    """The choice that a stored ranking stands for; None of one that tells no strength."""
    ranks, strength = draft.get("ranks"), draft.get("strength")
    if not ranks:
        return None
    if ranks["A"] == ranks["B"]:
        return TIE
    if strength not in {1, 2, 3}:
        return None
    return int(TIE - strength if ranks["A"] < ranks["B"] else TIE + strength)
