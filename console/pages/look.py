"""How a file of another tool is understood, before anything of it is stored."""

import json

from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from annotation.errors import AnnotationError
from annotation.files import looking
from annotation.models import Project
from console.forms.action import Action
from console.forms.files import ConvertForm
from console.pages.access import for_project


@require_safe
@for_project
def look_page(request: HttpRequest, project: Project) -> HttpResponse:
    """The file that ``file`` stands for."""
    return page(request, project)


def page(request: HttpRequest, project: Project, bad: tuple[str, Action] | None = None) -> HttpResponse:
    """Shape, counts and examples, with the form that imports it so; or why there is no such file (any more)."""
    assert isinstance(request.user, User)
    form = (
        bad[1]
        if bad
        else ConvertForm(project=project, prefix="convert", initial={"word": request.GET.get("file")})
    )
    context = {
        **admin.site.each_context(request),
        "title": "What the file says",
        "project": project,
        "form": form,
    }
    try:
        upload = looking.sent(str(form["word"].value() or ""), project=project, user=request.user)
        looked_at = looking.look(upload)
    except AnnotationError as error:
        context["gone"], bad = str(error), ("convert", form)
    else:
        examples = [json.dumps(line, ensure_ascii=False, indent=2) for line in looked_at.examples]
        context |= {
            "upload": upload,
            "found": looked_at,
            "left_out": dict(looked_at.left_out),
            "examples": examples,
        }
    return TemplateResponse(request, "admin/look.html", context, status=400 if bad else 200)
