"""One thing that a researcher can do to a project, as a form, and what such forms share."""

import hashlib
import json
from collections.abc import Callable
from decimal import Decimal
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

    def perform(self, user: User) -> Run | None:
        """Call the function. Raises errors of the apps, whose messages the page shows."""
        raise NotImplementedError


class RowAction(Action):
    """Change a row: each field is a column of it.

    Whoever sends it has seen the row as it was when they opened the page, and ``seen`` goes with the form: what they
    left as it was stays as it is by now, and of what two people changed the second is asked which it is to be.
    """

    # By field, what stands for the value that the page shows; a form of a program has none.
    seen: str = ""

    def begin_with(self, row: Model) -> None:
        """Show what ``row`` says now."""
        for name, field in self.fields.items():
            field.initial = getattr(row, name)
        self.seen = json.dumps({name: _digest(field.initial) for name, field in self.fields.items()})

    @property
    def seen_name(self) -> str:
        """The name of the hidden input that ``seen`` goes with."""
        return self.add_prefix("seen")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name, before in self._seen_before().items():
            if name not in cleaned:
                continue
            now, sent = self.fields[name].initial, _digest(cleaned[name])
            if sent == before:
                cleaned[name] = now
            elif _digest(now) not in (before, sent):
                self.add_error(
                    name, f"Somebody else has changed this since you opened the page{_in_words(now)}.{_NEXT}"
                )
        return cleaned

    def _seen_before(self) -> dict[str, Any]:
        """What went with the page that this was sent from."""
        try:
            before = json.loads(self.data.get(self.seen_name) or "{}")
        except ValueError:
            return {}
        return (
            {name: before[name] for name in self.fields if name in before} if isinstance(before, dict) else {}
        )


_NEXT = " Save again to have yours, or open the page anew to have theirs."
# A longer text is no help in the middle of a sentence.
_LONGEST = 100


def _digest(value: Any) -> str:
    """Equal of equal values, whichever way a database or a form writes them."""
    if isinstance(value, Decimal):
        value = f"{value.normalize():f}"
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _in_words(value: Any) -> str:
    """What it is now, where that is short."""
    if isinstance(value, bool):
        return f": now it is {'on' if value else 'off'}"
    if value in (None, "") or isinstance(value, list) or len(str(value)) > _LONGEST:
        return ""
    return f": now it is “{value}”"


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
