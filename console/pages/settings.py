"""What a project asks of annotators, and what is beyond it."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from annotation.models import Project
from console.forms.action import Action
from console.forms.actions import forms_of
from console.pages.access import for_project


@require_safe
@for_project
def settings_page(request: HttpRequest, project: Project) -> HttpResponse:
    """The forms."""
    return page(request, project)


def page(request: HttpRequest, project: Project, bad: tuple[str, Action] | None = None) -> HttpResponse:
    """The page, with the form that was sent and is wrong."""
    context = {
        **admin.site.each_context(request),
        "title": "Settings",
        "project": project,
        "forms": forms_of("settings", project, bad),
        "opened": bad[0] if bad else "",
    }
    return TemplateResponse(request, "admin/settings.html", context, status=400 if bad else 200)
