"""Who may see what: members of a project, each their own assignments. Everybody else gets 404, never 403."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse

from annotation import people
from annotation.models import Annotator, Assignment, Project

Arguments = ParamSpec("Arguments")


View = Callable[Concatenate[HttpRequest, Annotator, Arguments], HttpResponseBase]


def for_annotator(view: View[Arguments]) -> Callable[..., HttpResponseBase]:
    """A view of a project takes the annotator that this person is there, instead of the project's slug.

    Whoever comes to work becomes one.
    """
    return _checked(view, lambda project, user: people.annotator_for(project=project, user=user))


def for_visitor(view: View[Arguments]) -> Callable[..., HttpResponseBase]:
    """The same for a page on which nobody works: a look makes nobody an annotator, so that who is none yet comes
    without a key."""
    return _checked(view, lambda project, user: Annotator(project=project, user=user))


def _checked(
    view: View[Arguments], newcomer: Callable[[Project, User], Annotator]
) -> Callable[..., HttpResponseBase]:
    @wraps(view)
    def checked(
        request: HttpRequest, slug: str, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _to_login(request, slug)
        annotator = people.known_annotator(slug=slug, user=request.user)
        if annotator is None:
            project = get_object_or_404(Project.objects.annotated_by(request.user), slug=slug)
            annotator = newcomer(project, request.user)
        return view(request, annotator, *args, **kwargs)

    return checked


def for_assignment(
    view: Callable[Concatenate[HttpRequest, Assignment, Arguments], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """A view of a form takes the person's own assignment that the form names, with task, annotator, project and
    bookmark; Http404 for anybody else's."""

    @wraps(view)
    def checked(
        request: HttpRequest, slug: str, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _to_login(request, slug)
        try:
            public_id = UUID(request.POST.get("assignment", ""))
        except ValueError as error:
            raise Http404 from error
        assignment = people.own_assignment(public_id=public_id, slug=slug, user=request.user)
        if assignment is None:
            raise Http404
        return view(request, assignment, *args, **kwargs)

    return checked


def _to_login(request: HttpRequest, slug: str) -> HttpResponseBase:
    """A form cannot be sent again by the log-in page, so that leads to the page of the form."""
    return redirect_to_login(
        request.get_full_path() if request.method == "GET" else reverse("rank", args=[slug])
    )
