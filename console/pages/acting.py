"""What a form of a project's pages does when it is sent."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from annotation.errors import AnnotationError
from annotation.models import Project
from console.forms.actions import ACTIONS
from console.pages import (
    annotators,
    disagreements,
    flags,
    look,
    people,
    policies,
    reward_models,
    settings,
    withdrawals,
)
from console.pages import (
    project as home,
)
from console.pages.access import for_project
from rewardmodel.errors import RewardModelError
from rltrainer.errors import PolicyError
from runs.errors import RunsError

# Where an action's form stands, by Action.page.
PAGES: dict[str, Callable[..., HttpResponse]] = {
    "project": home.page,
    "reward_models": reward_models.page,
    "policies": policies.page,
    "settings": settings.page,
    "annotators": annotators.page,
    "flags": flags.page,
    "withdrawals": withdrawals.page,
    "disagreements": disagreements.page,
    "people": people.page,
    "look": look.page,
}


@require_http_methods(["GET", "HEAD", "POST"])
@for_project
def act(request: HttpRequest, project: Project, action: str) -> HttpResponse:
    """Carry out one of ACTIONS; to the run that it started, or back with what was wrong.

    Whoever comes here without having sent a form, by a reload of what was refused, is led to it.
    """
    if action not in ACTIONS:
        raise Http404
    if request.method != "POST":
        page = reverse(f"admin:{ACTIONS[action].page}", args=[project.slug])
        return redirect(f"{page}#action-{action}")
    form = ACTIONS[action](request.POST, request.FILES, project=project, prefix=action)
    form.address_of = request.build_absolute_uri
    if not form.is_valid():
        return PAGES[form.page](request, project, bad=(action, form))
    try:
        run = form.perform(request.user)  # type: ignore[arg-type]  # has_permission refuses anonymous people
    except (AnnotationError, RewardModelError, PolicyError, RunsError) as error:
        form.add_error(None, str(error))
        return PAGES[form.page](request, project, bad=(action, form))
    if run is not None:
        return redirect("admin:run", pk=run.pk)
    if form.go_to:
        return redirect(form.go_to)
    messages.success(request, form.done)
    if form.link:
        request.session[people.NEW_LINK] = form.link
    return redirect(f"admin:{form.page}", slug=project.slug)
