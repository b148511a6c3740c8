"""What annotators object to: flags to be resolved, and skips with their reasons."""

from typing import Any

from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from annotation.collecting import flags
from annotation.counting import MOST, Bounded, bounded
from annotation.models import Assignment, Flag, Project
from console.counting import BoundedPaginator
from console.forms.action import Action
from console.forms.actions import forms_of
from console.pages.access import for_project

A_PAGE = 20
SHOWN = {"open": "open flags", "resolved": "resolved flags", "skips": "skips"}


@require_safe
@for_project
def flags_page(request: HttpRequest, project: Project) -> HttpResponse:
    """Flags and skips, one sort at a time: ``?show=open|resolved|skips&category=``."""
    return page(request, project)


def page(request: HttpRequest, project: Project, bad: tuple[str, Action] | None = None) -> HttpResponse:
    """The page, with the form that was sent and is wrong."""
    show = request.GET.get("show", "open")
    show = show if show in SHOWN else "open"
    category = request.GET.get("category", "")
    rows = _skips(project) if show == "skips" else _flags(project, show, category)
    pages = BoundedPaginator(rows, A_PAGE).get_page(request.GET.get("page"))
    context = {
        **admin.site.each_context(request),
        "title": "What is wrong with the tasks?",
        "project": project,
        "show": show,
        "category": category,
        "sorts": [(name, words, _count(project, name)) for name, words in SHOWN.items()],
        "categories": Flag.Category.choices,
        "by_category": _by_category(project),
        "pages": pages,
        "flags": [] if show == "skips" else [(flag, flags.completions_of(flag)) for flag in pages],
        "skips": pages if show == "skips" else [],
        "bad": bad[1] if bad else None,
        "forms": forms_of("flags", project, bad),
    }
    return TemplateResponse(request, "admin/flags.html", context, status=400 if bad else 200)


def _flags(project: Project, show: str, category: str) -> Any:
    rows = Flag.objects.filter(project=project, resolved_at__isnull=show == "open")
    if category in Flag.Category.values:
        rows = rows.filter(category=category)
    return rows.select_related("prompt", "task", "annotator", "completion", "resolved_by").prefetch_related(
        "task__entries__completion"
    )


def _skips(project: Project) -> Any:
    rows = Assignment.objects.filter(project=project, status=Assignment.Status.SKIPPED)
    return rows.select_related("task__prompt", "annotator").order_by("-closed_at", "-pk")


def _count(project: Project, show: str) -> Bounded:
    return bounded(_skips(project) if show == "skips" else _flags(project, show, ""))


def _by_category(project: Project) -> list[tuple[str, int]]:
    newest = Flag.objects.open().filter(project=project).order_by("-id").values("pk")[:MOST]
    rows = Flag.objects.filter(pk__in=newest).order_by().values_list("category")
    return [(str(Flag.Category(name).label), count) for name, count in rows.annotate(count=Count("pk"))]
