"""A person's projects, with what is left for them and what they did today."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation.collecting import progress
from annotation.collecting.progress import Progress
from annotation.models import Annotator, Membership, Project


@require_safe
@login_required
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """One card a project."""
    assert request.user.is_authenticated
    user = request.user
    roles = dict(user.memberships.values_list("project", "role"))
    annotators = {
        one.project_id: one
        for one in Annotator.objects.filter(user=user).select_related("project", "bookmark")
    }
    entries = [
        {
            "project": project,
            "progress": _progress(project, annotators.get(project.pk), roles.get(project.pk)),
        }
        for project in Project.objects.annotated_by(user)
    ]
    researches = user.is_superuser or Membership.Role.RESEARCHER in roles.values()
    return TemplateResponse(request, "annotation/home.html", {"entries": entries, "researches": researches})


def _progress(project: Project, annotator: Annotator | None, role: str | None) -> Progress | None:
    """Figures of who works there, or was asked to; a look makes nobody an annotator, so they may be nobody yet."""
    if annotator is not None:
        return progress.of(annotator)
    return progress.of(Annotator(project=project)) if role == Membership.Role.ANNOTATOR else None
