"""Who judges with care: each annotator's figures and standing, and the checks that they come from."""

from typing import Any, NamedTuple

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from annotation.checking import standing
from annotation.models import Annotator, Project, StandingChange, Tally, Task
from annotation.preferences.tally import HABITS
from annotation.quality import work
from console.forms.action import Action
from console.forms.actions import forms_of
from console.pages.access import for_project

A_PAGE, STEPS, GOLD_SHOWN = 25, 5, 20


class Row(NamedTuple):
    """One annotator: the figures are of their newest judgements, whatever their standing."""

    annotator: Annotator
    work: work.Work
    figures: standing.Figures
    steps: list[StandingChange]


@require_safe
@for_project
def annotators_page(request: HttpRequest, project: Project) -> HttpResponse:
    """Figures, standing and settings."""
    return page(request, project)


def page(request: HttpRequest, project: Project, bad: tuple[str, Action] | None = None) -> HttpResponse:
    """The page, with the form that was sent and is wrong."""
    gold = Task.objects.gold().filter(project=project)
    pages = Paginator(_annotators(project), A_PAGE).get_page(request.GET.get("page"))
    works = work.of([annotator.pk for annotator in pages])
    context = {
        **admin.site.each_context(request),
        "title": "Who judges with care?",
        "project": project,
        "pages": pages,
        "rows": [_row(annotator, works[annotator.pk]) for annotator in pages],
        "kinds": work.columns(works.values()),
        "paused": Annotator.objects.filter(project=project, standing=Annotator.Standing.PAUSED).count(),
        "warned": Annotator.objects.filter(project=project, standing=Annotator.Standing.WARNED).count(),
        "gold_count": gold.count(),
        "gold": gold.select_related("prompt").order_by("-pk")[:GOLD_SHOWN],
        "forms": forms_of("annotators", project, bad),
        "opened": bad[0] if bad else "",
    }
    return TemplateResponse(request, "admin/annotators.html", context, status=400 if bad else 200)


def _annotators(project: Project) -> Any:
    """Whoever judged here or may, those who need a decision first."""
    tallies = Tally.objects.filter(project=project, kind=HABITS, annotator=OuterRef("pk"), week="")
    ranked = Coalesce(Subquery(tallies.values("sums__0")), 0.0)
    rows = project.annotators.filter(anonymous=False, withdrawn_at=None).annotate(ranked=ranked)
    return rows.order_by("-standing", "-ranked", "pseudonym")  # warned, paused, fine


def _row(annotator: Annotator, done: work.Work) -> Row:
    steps = annotator.standing_changes.select_related("changed_by")[:STEPS]
    return Row(annotator, done, standing.figures_of(annotator), list(steps))
