"""All runs of a project, the newest first."""

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from annotation.models import Project
from console.pages.access import for_project
from runs.kinds import kind_of, runs_of

A_PAGE = 50


@require_safe
@for_project
def runs_page(request: HttpRequest, project: Project) -> HttpResponse:
    """What ran, runs and waits."""
    pages = Paginator(runs_of(project).select_related("created_by"), A_PAGE).get_page(request.GET.get("page"))
    context = {
        **admin.site.each_context(request),
        "title": "Runs",
        "project": project,
        "pages": pages,
        "runs": [(run, kind_of(run).title) for run in pages],
    }
    return TemplateResponse(request, "admin/runs.html", context)
