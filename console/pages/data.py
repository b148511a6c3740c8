"""A list of one kind of data, which the address narrows."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from annotation.models import Project
from console.data.kinds import KINDS, kind_named
from console.data.paging import lines_of
from console.pages.access import for_project


@require_safe
@for_project
def data_page(request: HttpRequest, project: Project, kind: str) -> HttpResponse:
    """The newest first; the address is the view."""
    of_kind = kind_named(kind)
    filters = of_kind.filters(request.GET, project=project)
    context = {
        **admin.site.each_context(request),
        "title": of_kind.title,
        "project": project,
        "kind": of_kind,
        "kinds": KINDS.values(),
        "filters": filters,
        "chosen": filters.chosen(),
        "lines": lines_of(lambda: filters.narrow(of_kind.rows(project)), of_kind.lines, request.GET),
        "rows_of_kind": f"admin/data/{kind}.html",
    }
    return TemplateResponse(request, "admin/data.html", context)
