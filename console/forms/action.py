"""One thing that a researcher can do to a project, as a form, and what such forms share."""

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.urls import reverse_lazy

from annotation.models import Annotator, Project
from console.forms.plain import PlainForm
from runs.models import Run


class Action(PlainForm):
    """One thing a researcher can do to a project."""

    button: ClassVar[str]
    # Whether what it takes away does not come back: its button looks like that.
    destroys: ClassVar[bool] = False
    # What happens, where the fields do not say it.
    explanation: ClassVar[str] = ""
    # The page that has the form: back there when it is done, or when something was wrong.
    page: ClassVar[str] = "project"
    # What the page says when it is done and no run was started, and the secret that it shows beside that, once.
    done: str = "Done."
    link: str = ""
    # Where it goes on, if not on its page.
    go_to: str = ""
    # A path's address, as who sends the form sees it.
    address_of: Callable[[str], str]

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.project = project
        self.prepare()

    def prepare(self) -> None:
        """Narrow the choices to the project's."""

    def begin_with(self, row: Model) -> None:
        """Show what ``row`` says now: each field is a column of it."""
        for name, field in self.fields.items():
            field.initial = getattr(row, name)

    def perform(self, user: User) -> Run | None:
        """Call the function. Raises errors of the apps, whose messages the page shows."""
        raise NotImplementedError


def choices(form: Action, name: str) -> "forms.ModelChoiceField[Any]":
    """The field ``name``, whose queryset ``prepare`` narrows."""
    field = form.fields[name]
    assert isinstance(field, forms.ModelChoiceField)
    return field


def annotators(project: Project) -> "QuerySet[Annotator]":
    """Those of the project, by name, but for who withdrew."""
    return Annotator.objects.filter(project=project, withdrawn_at=None).order_by("pseudonym")


def license_field(such_as: str) -> forms.CharField:
    """Of what goes out: the card says it."""
    return forms.CharField(
        max_length=100,
        initial="other",
        label="License",
        help_text=f"What others may do with it, as its card says: {such_as}, ... Until you know, leave it at other.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


def markdown_area() -> forms.Textarea:
    """For a text in markdown, with a preview beside it (static/js/preview.js)."""
    return forms.Textarea(attrs={"rows": 12, "data-preview": reverse_lazy("admin:preview")})
