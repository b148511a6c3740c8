"""Data taken back: the form that erases, and of each withdrawal everything that had used it."""

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from annotation.models import Project, Withdrawal
from annotation.withdrawal import erasure
from console.forms.action import Action
from console.forms.actions import forms_of
from console.pages.access import for_project

A_PAGE = 10


@require_safe
@for_project
def withdrawals_page(request: HttpRequest, project: Project) -> HttpResponse:
    """``?annotator=NAME`` or ``?prompt=ID`` fills the form in, but for the confirmation."""
    return page(request, project)


def page(request: HttpRequest, project: Project, bad: tuple[str, Action] | None = None) -> HttpResponse:
    """The page, with the form that was sent and is wrong."""
    forms = forms_of("withdrawals", project, bad)
    for what in ("annotator", "prompt"):
        if what in request.GET:
            forms["withdraw"].initial = {"what": what, "name": request.GET[what]}
    rows = Withdrawal.objects.filter(project=project).select_related("annotator", "prompt", "requested_by")
    pages = Paginator(rows, A_PAGE).get_page(request.GET.get("page"))
    context = {
        **admin.site.each_context(request),
        "title": "Whose data was taken back?",
        "project": project,
        "pages": pages,
        "rows": [(row, erasure.answer(withdrawal=row)) for row in pages],
        "forms": forms,
        "opened": "withdraw" if bad or forms["withdraw"].initial else "",
    }
    return TemplateResponse(request, "admin/withdrawals.html", context, status=400 if bad else 200)
