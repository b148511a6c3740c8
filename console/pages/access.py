"""Who may see what: a project's researchers and administrators. Everybody else gets 404, never 403."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404

from annotation.models import Project
from runs.errors import UnknownKind
from runs.kinds import kind_of
from runs.models import Run

Arguments = ParamSpec("Arguments")


def project_of(request: HttpRequest, slug: str) -> Project:
    """The project ``slug``, if this person researches it; Http404 otherwise."""
    return get_object_or_404(Project.objects.researched_by(request.user), slug=slug)


def run_of(request: HttpRequest, pk: int) -> tuple[Run, Project]:
    """Run ``pk`` and its project, if this person researches it; Http404 otherwise."""
    run = get_object_or_404(Run, pk=pk)
    try:
        return run, project_of(request, kind_of(run).project(run))
    except UnknownKind as error:
        raise Http404 from error


def for_project(
    view: Callable[Concatenate[HttpRequest, Project, Arguments], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """A view of a project takes the project instead of its slug."""

    @wraps(view)
    def checked(
        request: HttpRequest, slug: str, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> HttpResponseBase:
        return view(request, project_of(request, slug), *args, **kwargs)

    return checked


def for_run(
    view: Callable[Concatenate[HttpRequest, Run, Project, Arguments], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """A view of a run takes the run and its project instead of the run's number."""

    @wraps(view)
    def checked(
        request: HttpRequest, pk: int, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> HttpResponseBase:
        run, project = run_of(request, pk)
        return view(request, run, project, *args, **kwargs)

    return checked
