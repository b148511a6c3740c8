"""A project's policy versions, and the forms that make, sample, compare and choose them."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from annotation.models import Project
from annotation.withdrawal import lineage
from console.forms.action import Action
from console.forms.actions import forms_of
from console.forms.policies import TrainForm
from console.pages import charts
from console.pages.access import for_project
from console.pages.evaluation import drawn
from rltrainer import evaluation, policies
from rltrainer.models import PolicyVersion


@require_safe
@for_project
def policies_page(request: HttpRequest, project: Project) -> HttpResponse:
    """The newest version first."""
    return page(request, project)


def page(request: HttpRequest, project: Project, bad: tuple[str, Action] | None = None) -> HttpResponse:
    """The page, with the form that was sent and is wrong."""
    owed = lineage.simulated(project)
    versions = PolicyVersion.objects.filter(project=project).select_related(
        "training__run", "training__start", "training__reward_model"
    )
    newest = evaluation.newest_report(project)
    current = policies.current_policy(project)
    forms = forms_of("policies", project, bad)
    trainings = {name: form for name, form in forms.items() if isinstance(form, TrainForm)}
    context = {
        **admin.site.each_context(request),
        "title": "Which policy answers best?",
        "project": project,
        "policies": [(one, owed.of("policies", one.number)) for one in versions],
        "current": current,
        "evaluation": newest and drawn(newest),
        "width": charts.WIDTH,
        "forms": forms,
        "trainings": trainings,
        "export": forms["export-policy"],
        "algorithm": bad[0] if bad and bad[0] in trainings else "train-ppo" if current else "train-sft",
        "opened": bad[0] if bad else "",
    }
    return TemplateResponse(request, "admin/policies.html", context, status=400 if bad else 200)
