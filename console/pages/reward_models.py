"""A project's reward model versions, and the forms that make and choose them."""

from django.contrib import admin
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from annotation.models import Project
from annotation.withdrawal import lineage
from console import loop
from console.forms.action import Action
from console.forms.actions import forms_of
from console.pages import charts
from console.pages.access import for_project
from console.pages.contest import drawn, is_beaten
from rewardmodel import activation, contests
from rewardmodel.models import Reward, RewardModelVersion


@require_safe
@for_project
def reward_models_page(request: HttpRequest, project: Project) -> HttpResponse:
    """The newest version first."""
    return page(request, project)


def page(request: HttpRequest, project: Project, bad: tuple[str, Action] | None = None) -> HttpResponse:
    """The page, with the form that was sent and is wrong."""
    owed = lineage.simulated(project)
    rows = RewardModelVersion.objects.filter(project=project).select_related("fit__run", "fit__snapshot")
    versions = rows.annotate(rewarded=Exists(Reward.objects.filter(version=OuterRef("pk"))))
    newest = contests.newest_report(project)
    forms = forms_of("reward_models", project, bad)
    context = {
        **admin.site.each_context(request),
        "title": "Which reward model judges best?",
        "project": project,
        "reward_models": [
            (one, owed.of("reward_models", one.number), is_beaten(one.report.get("held_out")))
            for one in versions
        ],
        "active": activation.active_version(project),
        "fresh": loop.fresh(project),
        "contest": newest and drawn(newest, least_prompts=activation.settings_of(project).activation_prompts),
        "width": charts.WIDTH,
        "forms": forms,
        "export": forms["export-reward-model"],
        "opened": bad[0] if bad else "",
    }
    return TemplateResponse(request, "admin/reward_models.html", context, status=400 if bad else 200)
