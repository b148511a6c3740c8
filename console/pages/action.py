"""One thing that a researcher can do to a project, as a form. It parses; ``perform`` calls one function of an app."""

from typing import Any, ClassVar

from django import forms
from django.contrib.auth.models import User

from annotation.models import Project
from runs.models import Run


class Action(forms.Form):
    """One thing a researcher can do to a project."""

    button: ClassVar[str]
    # The page that has the form: back there when it is done, or when something was wrong.
    page: ClassVar[str] = "project"
    # What the page says when it is done and no run was started.
    done: str = "Done."

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.project = project
        self.prepare()

    def prepare(self) -> None:
        """Narrow the choices to the project's."""

    def perform(self, user: User) -> Run | None:
        """Call the function. Raises errors of the apps, whose messages the page shows."""
        raise NotImplementedError
