"""A person's projects, with what is left for them and what they did today."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotation import people, progress
from annotation.models import Membership, Project


@require_safe
@login_required
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """One card a project."""
    assert request.user.is_authenticated
    user = request.user
    mine = Project.objects.annotated_by(user)
    entries = [
        {"project": project, "progress": progress.of(people.annotator_for(project=project, user=user))}
        for project in mine
    ]
    researches = user.is_superuser or user.memberships.filter(role=Membership.Role.RESEARCHER).exists()
    return TemplateResponse(request, "annotation/home.html", {"entries": entries, "researches": researches})
