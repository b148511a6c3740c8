"""Who may see what: members of a project, each their own assignments. Everybody else gets 404, never 403."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse

from annotation import people
from annotation.models import Annotator, Assignment, Project

Arguments = ParamSpec("Arguments")


def for_annotator(
    view: Callable[Concatenate[HttpRequest, Annotator, Arguments], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """A view of a project takes the annotator that this person is there, instead of the project's slug."""

    @wraps(view)
    def checked(
        request: HttpRequest, slug: str, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> HttpResponseBase:
        if not request.user.is_authenticated:
            # A form cannot be sent again by the log-in page, so that leads to the page of the form.
            back = request.get_full_path() if request.method == "GET" else reverse("rank", args=[slug])
            return redirect_to_login(back)
        project = get_object_or_404(Project.objects.annotated_by(request.user), slug=slug)
        return view(request, people.annotator_for(project=project, user=request.user), *args, **kwargs)

    return checked


def posted_assignment(request: HttpRequest, annotator: Annotator) -> Assignment:
    """The annotator's own assignment that a form names; Http404 for anybody else's."""
    try:
        public_id = UUID(request.POST.get("assignment", ""))
    except ValueError as error:
        raise Http404 from error
    return get_object_or_404(
        Assignment.objects.select_related("task__prompt"), public_id=public_id, annotator=annotator
    )
