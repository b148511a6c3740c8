"""Tasks whose annotators disagree, with what each said side by side, to be decided.

By pseudonym, and without the sources of the texts: who decides should not know whose they are either.
"""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from annotation.checking import adjudication
from annotation.collecting.shown import LETTERS
from annotation.counting import bounded
from annotation.models import Project, Ranking, Task, TaskCompletion
from console.forms.action import Action
from console.forms.actions import forms_of
from console.pages.access import for_project


@require_safe
@for_project
def disagreements_page(request: HttpRequest, project: Project) -> HttpResponse:
    """The worst first."""
    return page(request, project)


def page(request: HttpRequest, project: Project, bad: tuple[str, Action] | None = None) -> HttpResponse:
    """The page, with the form that was sent and is wrong."""
    decided = Ranking.objects.current().filter(project=project, task__purpose=Task.Purpose.ADJUDICATION)
    context = {
        **admin.site.each_context(request),
        "title": "Where do annotators disagree?",
        "project": project,
        "rows": [_row(one) for one in adjudication.undecided(project=project)],
        "decided": bounded(decided),
        "bad": bad[1] if bad else None,
        "forms": forms_of("disagreements", project, bad),
    }
    return TemplateResponse(request, "admin/disagreements.html", context, status=400 if bad else 200)


def _row(disagreement: adjudication.Disagreement) -> dict[str, Any]:
    texts = TaskCompletion.objects.filter(task=disagreement.task).order_by("position")
    letters = list(zip(LETTERS, texts.values_list("completion__text", flat=True), strict=False))
    return {
        "task": disagreement.task,
        "agreement": disagreement.agreement,
        "texts": [(place, letter, text) for place, (letter, text) in enumerate(letters)],
        "places": range(1, len(letters) + 1),
        "rankings": disagreement.rankings,
    }
