"""All runs of a project, the newest first."""

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from annotation.models import Project
from console.describing import described_runs, sentence
from console.pages.access import for_project

A_PAGE = 50


@require_safe
@for_project
def runs_page(request: HttpRequest, project: Project) -> HttpResponse:
    """What ran, runs and waits."""
    pages = Paginator(described_runs(project), A_PAGE).get_page(request.GET.get("page"))
    context = {
        **admin.site.each_context(request),
        "title": "Runs",
        "project": project,
        "pages": pages,
        "runs": [(run, sentence(run)) for run in pages],
    }
    return TemplateResponse(request, "admin/runs.html", context)
