"""A new project, made by an administrator."""

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods

from annotation.errors import AnnotationError
from console.forms.project import NewProjectForm


@require_http_methods(["GET", "HEAD", "POST"])
def new_project(request: HttpRequest) -> HttpResponse:
    """The form; a POST makes the project and leads to it."""
    if not getattr(request.user, "is_superuser", False):
        raise Http404
    form = NewProjectForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            project = form.perform()
        except AnnotationError as error:
            form.add_error(None, str(error))
        else:
            messages.success(
                request, f"{project.name} is there. Invite people, and import what they are to judge."
            )
            return redirect("admin:project", slug=project.slug)
    context = {**admin.site.each_context(request), "title": "New project", "form": form}
    return TemplateResponse(request, "admin/new_project.html", context, status=400 if form.is_bound else 200)
