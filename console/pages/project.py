"""One project's loop: judgements, reward models, policies, runs, and the forms that move it on."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.http import require_POST, require_safe

from annotation import members
from annotation.errors import AnnotationError
from annotation.models import Assignment, Demonstration, Flag, Project, Prompt, Ranking, Slot, Task
from annotation.withdrawal import lineage
from console.counting import MOST, Bounded, bounded, of
from console.forms.action import Action
from console.forms.actions import ACTIONS, forms_of
from console.pages import annotators, disagreements, flags, look, people, withdrawals
from console.pages.access import for_project
from rewardmodel.errors import RewardModelError
from rewardmodel.models import RewardModelVersion
from rltrainer.errors import PolicyError
from rltrainer.models import PolicyVersion
from runs.errors import RunsError
from runs.kinds import kind_of, runs_of

RECENT_RUNS = 12


@require_safe
@for_project
def project_page(request: HttpRequest, project: Project) -> HttpResponse:
    """The loop of one project."""
    return _page(request, project)


@require_POST
@for_project
def act(request: HttpRequest, project: Project, action: str) -> HttpResponse:
    """Carry out one of ACTIONS; to the run that it started, or back with what was wrong."""
    if action not in ACTIONS:
        raise Http404
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


def _page(request: HttpRequest, project: Project, bad: tuple[str, Action] | None = None) -> HttpResponse:
    from django.contrib import admin

    owed = lineage.simulated(project)
    reward_models = RewardModelVersion.objects.filter(project=project).select_related(
        "fit__run", "fit__snapshot"
    )
    policies = PolicyVersion.objects.filter(project=project).select_related("training__run")
    context = {
        **admin.site.each_context(request),
        "title": project.name,
        "project": project,
        "counts": _counts(project),
        "reward_models": [(one, owed.of("reward_models", one.number)) for one in reward_models],
        "policies": [(one, owed.of("policies", one.number)) for one in policies],
        "runs": [(run, kind_of(run).title) for run in runs_of(project)[:RECENT_RUNS]],
        "forms": forms_of("project", project, bad),
        "opened": bad[0] if bad else "",
    }
    return TemplateResponse(request, "admin/project.html", context, status=400 if bad else 200)


# Where an action's form stands, by Action.page.
PAGES: dict[str, Callable[..., HttpResponse]] = {
    "project": _page,
    "annotators": annotators.page,
    "flags": flags.page,
    "withdrawals": withdrawals.page,
    "disagreements": disagreements.page,
    "people": people.page,
    "look": look.page,
}


def _counts(project: Project) -> dict[str, Bounded]:
    slots = Slot.objects.filter(project=project)
    in_hand = Assignment.objects.open().filter(project=project, task__purpose=Task.Purpose.COLLECT)
    rankings = Ranking.objects.current().collected().filter(project=project).counted(MOST + 1)
    return {
        "prompts": bounded(Prompt.objects.kept().filter(project=project)),
        "demonstrations": bounded(Demonstration.objects.kept().filter(project=project)),
        "tasks": bounded(Task.objects.collected().filter(project=project)),
        "to_rank": bounded(slots.filter(annotator=None)),
        "in_hand": bounded(in_hand),
        "rankings": of(rankings.rankings),
        "simulated": of(rankings.simulated),
        "flags": bounded(Flag.objects.open().filter(project=project)),
        "members": bounded(members.memberships(project)),
        "invitations": bounded(members.invitations(project)),
        "skipped": bounded(Assignment.objects.filter(project=project, status=Assignment.Status.SKIPPED)),
    }
