"""A project that is made in the browser."""

from typing import Any

from django import forms
from django.utils.text import slugify

from annotation import people
from annotation.models import Project
from annotation.models.project import MOST_ANNOTATORS
from annotation.preferences.tiers import MOST_COMPLETIONS
from console.forms.action import markdown_area
from console.forms.plain import PlainForm


class NewProjectForm(PlainForm):
    """What a project needs before anything is in it; the rest has defaults and can be changed later."""

    name = forms.CharField(
        max_length=120, help_text="One behaviour that is wanted of a policy, as: Helpful answers."
    )
    slug = forms.SlugField(
        max_length=60,
        required=False,
        label="Short name",
        help_text="In addresses and commands: letters, digits and hyphens. Made from the name where it is empty.",
    )
    completions_per_task = forms.IntegerField(
        min_value=2,
        max_value=MOST_COMPLETIONS,
        initial=4,
        label="Completions a task",
        help_text="So many stand side by side. Of two, one is chosen; four to be ordered give six comparisons.",
    )
    annotators_per_task = forms.IntegerField(
        min_value=1,
        max_value=MOST_ANNOTATORS,
        initial=1,
        label="Annotators a task",
        help_text="Two or more show how far people agree. It can be raised later.",
    )
    guidelines = forms.CharField(
        required=False,
        strip=False,
        help_text="What makes one answer better than another, in markdown. Annotators see them first.",
        widget=markdown_area(),
    )

    def clean(self) -> dict[str, Any]:
        """The short name follows from the name where nobody gave one."""
        fields = super().clean() or {}
        if "name" in fields and not fields.get("slug"):
            fields["slug"] = slugify(fields["name"])[:60].strip("-")
            if not fields["slug"]:
                self.add_error("slug", "The name has no letters for a short name: give one here.")
        fields["guidelines"] = fields.get("guidelines", "").replace("\r\n", "\n")
        return fields

    def perform(self) -> Project:
        """Make it. Raises BadRequest."""
        return people.create_project(**self.cleaned_data)
