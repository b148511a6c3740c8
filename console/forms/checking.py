"""Whether people judge with care: gold, repeats, standing, flags, and tasks on which they disagree."""

from typing import Any

from django import forms
from django.contrib.auth.models import User

from annotation.checking import adjudication, control, standing
from annotation.collecting import flags
from annotation.models import Annotator, Flag, Task
from annotation.preferences.tiers import MOST_COMPLETIONS
from console.forms.action import Action, RowAction, annotators, choices
from console.forms.shares import ShareField


class ControlForm(RowAction):
    """How often annotators are checked, and what the project asks for."""

    page = "annotators"
    button = "Save"
    done = "Saved."
    gold_every = forms.IntegerField(
        label="Gold: one task in",
        min_value=0,
        max_value=1000,
        help_text="Drawn at random, so that nobody can tell when. 0: none.",
    )
    repeat_every = forms.IntegerField(
        label="Repeats: one task in",
        min_value=0,
        max_value=1000,
        help_text="Asked again after at least so many others. 0: none.",
    )
    least_checks = forms.IntegerField(
        label="Gold tasks, or repeats, before a figure counts", min_value=1, max_value=1000
    )
    least_gold_score = ShareField(
        label="Warn below this gold score, in %", required=False, help_text="50 is chance. Empty: never."
    )
    least_consistency = ShareField(
        label="Warn below this self-consistency, in %",
        required=False,
        help_text="50 is chance. Empty: never.",
    )
    most_position_bias = ShareField(
        label="Warn where position bias is surely above, in %",
        required=False,
        most=0.5,
        help_text="How far from 50 the share of pairs won by the completion shown earlier may be.",
    )
    pauses = forms.BooleanField(
        required=False, label="Pause whoever is still below after a warning, until a researcher resumes them"
    )

    adjudicate_below = ShareField(
        label="List tasks whose annotators agree on less than this share of pairs, in %", required=False
    )
    adjudicated_wins = forms.BooleanField(
        required=False,
        label="Train on a researcher's decision instead of the annotators' rankings of that task",
    )

    def prepare(self) -> None:
        self.begin_with(self.project)

    def perform(self, user: User) -> None:
        control.configure(project=self.project, **self.cleaned_data)


class GoldForm(Action):
    """Make tasks gold by what somebody ranked."""

    page = "annotators"
    button = "Make gold tasks"
    annotator = forms.ModelChoiceField(
        Annotator.objects.none(),
        required=False,
        label="Whose order is the expert's",
        empty_label="the only one there is",
    )
    tasks = forms.CharField(
        required=False,
        label="Tasks",
        help_text="Public ids or keys, one a line. Empty: all that this annotator ranked.",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "class": "mono"}),
    )

    def prepare(self) -> None:
        choices(self, "annotator").queryset = annotators(self.project)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not cleaned.get("annotator") and not cleaned.get("tasks"):
            raise forms.ValidationError("Choose an annotator, or name tasks.")
        return cleaned

    def perform(self, user: User) -> None:
        annotator = self.cleaned_data["annotator"]
        marked = control.mark_gold(
            project=self.project,
            tasks=self.cleaned_data["tasks"].split(),
            from_annotator=annotator.pseudonym if annotator else None,
        )
        self.done = f"Tasks made gold: {len(marked)}."


class UnmarkForm(Action):
    """Make a gold task an ordinary one again."""

    page = "annotators"
    button = "Ordinary again"
    done = "It is an ordinary task again."
    task = forms.ModelChoiceField(Task.objects.none(), widget=forms.HiddenInput)

    def prepare(self) -> None:
        choices(self, "task").queryset = Task.objects.gold().filter(project=self.project)

    def perform(self, user: User) -> None:
        control.unmark_gold(project=self.project, tasks=[self.cleaned_data["task"]])


class StandingForm(Action):
    """What pausing and resuming share."""

    page = "annotators"
    annotator = forms.ModelChoiceField(Annotator.objects.none(), widget=forms.HiddenInput)
    why = forms.CharField(max_length=500, error_messages={"required": "Say why: the annotator reads it."})

    def prepare(self) -> None:
        choices(self, "annotator").queryset = annotators(self.project)


class PauseForm(StandingForm):
    """Give an annotator no more tasks."""

    button = "Pause"
    done = "Paused: they get no more tasks, and read why."

    def perform(self, user: User) -> None:
        standing.pause(**self.cleaned_data, by=user)


class ResumeForm(StandingForm):
    """Give an annotator tasks again, or take a warning back."""

    button = "Resume"
    done = "Resumed: their figures start anew."

    def perform(self, user: User) -> None:
        standing.resume(**self.cleaned_data, by=user)


class ResolveForm(Action):
    """Close a flag."""

    page = "flags"
    button = "Resolve"
    done = "Resolved."
    flag = forms.ModelChoiceField(Flag.objects.none(), widget=forms.HiddenInput)
    resolution = forms.CharField(
        max_length=500, error_messages={"required": "Say in a few words what became of it."}
    )

    def prepare(self) -> None:
        choices(self, "flag").queryset = Flag.objects.filter(project=self.project)

    def perform(self, user: User) -> None:
        flags.resolve(flags=[self.cleaned_data["flag"]], resolution=self.cleaned_data["resolution"], by=user)


class DecideForm(Action):
    """Decide a task on which annotators disagree."""

    page = "disagreements"
    button = "Decide"
    done = "Decided."
    task = forms.ModelChoiceField(Task.objects.none(), widget=forms.HiddenInput)
    rationale = forms.CharField(required=False, max_length=5000)

    def prepare(self) -> None:
        choices(self, "task").queryset = Task.objects.collected().filter(project=self.project)
        for place in range(MOST_COMPLETIONS):
            self.fields[f"rank_{place}"] = forms.IntegerField(
                required=False, min_value=1, max_value=MOST_COMPLETIONS
            )

    def perform(self, user: User) -> None:
        ranks = [self.cleaned_data[f"rank_{place}"] for place in range(MOST_COMPLETIONS)]
        adjudication.decide(
            project=self.project,
            task=self.cleaned_data["task"],
            user=user,
            ranks=[rank for rank in ranks if rank is not None],
            rationale=self.cleaned_data["rationale"].strip(),
        )
