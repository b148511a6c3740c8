"""What a project asks of its annotators: its guidelines and numbers, the kinds of judgement, tasks of other kinds."""

from typing import Any

from django import forms
from django.contrib.auth.models import User

from annotation.collecting import asking
from annotation.files import intake
from annotation.models import Task
from annotation.models.project import MOST_ANNOTATORS, MOST_REVISE_HOURS
from annotation.preferences.tiers import MOST_COMPLETIONS
from console.forms.action import Action, RowAction, markdown_area
from console.forms.axes import AxesField
from console.forms.shares import ShareField


class SettingsForm(RowAction):
    """Name and guidelines, and how many judge how many."""

    page = "settings"
    button = "Save the settings"
    done = "Saved. Other guidelines are their next version, which each judgement names."
    name = forms.CharField(max_length=120, help_text="As annotators read it. Addresses keep the short name.")
    guidelines = forms.CharField(
        required=False,
        strip=False,
        help_text="What makes one answer better than another, in markdown. Annotators have it one key away.",
        widget=markdown_area(),
    )
    completions_per_task = forms.IntegerField(
        min_value=2, max_value=MOST_COMPLETIONS, label="Completions a task"
    )
    annotators_per_task = forms.IntegerField(
        min_value=1,
        max_value=MOST_ANNOTATORS,
        label="Annotators a task",
        help_text="More: tasks that are there are asked of more, finished ones too. Fewer: free places go.",
    )
    lease_seconds = forms.IntegerField(
        min_value=60, max_value=86_400, label="Seconds until a task that nobody works on is free again"
    )
    revise_hours = forms.IntegerField(
        min_value=0,
        max_value=MOST_REVISE_HOURS,
        label="Hours for which annotators may change what they submitted",
        help_text="0: never. What they change becomes a new version; the old one is kept.",
    )
    random_share = ShareField(
        label="Share of tasks drawn at random instead of by priority, in %",
        help_text="What is drawn at random is fit to evaluate on.",
    )
    hour_cost = forms.DecimalField(
        min_value=0,
        max_digits=9,
        decimal_places=2,
        label="What an hour of annotators' active time costs",
        help_text="0: costs are not shown.",
    )
    currency = forms.RegexField(
        r"^[A-Z]{3}$",
        label="Currency",
        help_text="Three letters, as USD or EUR.",
        error_messages={"invalid": "Write three capital letters, as USD or EUR."},
    )

    def prepare(self) -> None:
        self.begin_with(self.project)

    def clean_guidelines(self) -> str:
        """With plain line ends: browsers send CRLF, and that is no other version."""
        text: str = self.cleaned_data["guidelines"]
        return text.replace("\r\n", "\n")

    def perform(self, user: User) -> None:
        intake.configure_project(project=self.project, **self.cleaned_data)


class AskForm(RowAction):
    """How each kind of judgement is asked for."""

    page = "settings"
    button = "Save what is asked"
    done = "Saved. What was judged before stays as it was said."
    rating_axes = AxesField(
        label="Scales of ratings",
        help_text=(
            "Each from its lowest number to its highest, at most nine steps, with words for what the ends mean. "
            "Empty a scale's label and short name to take it away; files and programs know it by its short name."
        ),
    )
    ask_strength = forms.BooleanField(required=False, label="Of two completions, ask how much better one is")
    review_demonstrations = forms.BooleanField(
        required=False, label="A demonstration counts when a second person has accepted it"
    )
    demonstration_least_characters = forms.IntegerField(
        min_value=1, max_value=asking.MOST_LEAST_CHARACTERS, label="Least characters of a demonstration"
    )

    def prepare(self) -> None:
        self.begin_with(self.project)

    def perform(self, user: User) -> None:
        asking.change(project=self.project, **self.cleaned_data)


class TasksForm(Action):
    """Make tasks to rate completions or to write answers."""

    button = "Make tasks to rate or to write"
    kind = forms.ChoiceField(
        choices=[(Task.Kind.RATE, "rate completions"), (Task.Kind.DEMONSTRATE, "write an answer")]
    )
    prompts = forms.IntegerField(min_value=1, max_value=100_000, initial=50, label="At most so many tasks")
    completions = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MOST_COMPLETIONS,
        label="Completions on one page to rate",
        help_text="Empty: as many as a ranking has.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("kind") == Task.Kind.DEMONSTRATE:
            cleaned["completions"] = None
        return cleaned

    def perform(self, user: User) -> None:
        count = intake.create_tasks(project=self.project, **self.cleaned_data)
        self.done = f"Tasks made: {count}."
