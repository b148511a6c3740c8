"""A project's home: its loop with what runs, what is worth doing next, and how it went."""

from typing import Any, NamedTuple

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from annotation.models import Project
from annotation.quality import summary
from annotation.texts.durations import in_words
from console import activity, loop
from console.describing import sentence
from console.figures import points
from console.forms.action import Action
from console.forms.actions import forms_of
from console.next_steps import next_steps
from console.pages import charts
from console.pages.access import for_project
from rewardmodel.models import RewardModelVersion
from rltrainer.models import PolicyVersion
from runs.models import Run


@require_safe
@for_project
def project_page(request: HttpRequest, project: Project) -> HttpResponse:
    """The loop of one project."""
    return page(request, project)


def page(request: HttpRequest, project: Project, bad: tuple[str, Action] | None = None) -> HttpResponse:
    """The page, with the form that was sent and is wrong."""
    state = loop.of_project(project)
    weeks = [week for week in summary.weeks_of(project) if week.counts["rankings"]]
    versions = state.versions
    report = versions.reward_model.report if versions.reward_model else {}
    context = {
        **admin.site.each_context(request),
        "title": project.name,
        "project": project,
        "loop": state,
        "accuracy": _share((report.get("held_out") or {}).get("accuracy")),
        "human": _share(report.get("human_agreement")),
        "reward_model_simulated": _simulated(versions, "reward_models", versions.reward_model),
        "policy_simulated": _simulated(versions, "policies", versions.policy),
        "running": _running(state.active_runs),
        "steps": next_steps(state),
        "weeks": charts.bars([(week.week, week.counts["rankings"]) for week in weeks]),
        "agreement_by_week": charts.line(
            [(week.week, week.figures["pairwise_agreement"]) for week in weeks],
            least=0,
            most=1,
            in_percent=True,
        ),
        "activity": activity.of_project(project),
        "rewards": charts.scatter(_rewards(project)),
        "width": charts.WIDTH,
        "forms": forms_of("project", project, bad),
        "opened": bad[0] if bad else "",
    }
    return TemplateResponse(request, "admin/project.html", context, status=400 if bad else 200)


class Running(NamedTuple):
    """A run that is queued or at work, as a line."""

    run: Run
    title: str
    percent: int | None
    words: str


def _running(runs: list[Run]) -> list[Running]:
    """With what those that are queued wait behind, whoever's that is."""
    is_waiting = any(run.status == Run.Status.QUEUED for run in runs)
    active = list(Run.objects.active().values_list("queue", "status", "pk")) if is_waiting else []
    return [_line(run, active) for run in runs]


def _line(run: Run, active: list[tuple[str, str, int]]) -> Running:
    percent = round(100 * run.done / run.total) if run.total else None
    left = run.seconds_left(timezone.now())
    words = [run.doing or str(run.get_status_display()), *([f"about {in_words(left)} left"] if left else [])]
    if run.status == Run.Status.QUEUED:
        before = sum(
            queue == run.queue and (status == Run.Status.RUNNING or pk < run.pk)
            for queue, status, pk in active
        )
        words += [f"behind {before} other run{'s' * (before != 1)}"] if before else []
    return Running(run, sentence(run), percent, ", ".join(words))


def _share(figure: dict[str, Any] | None) -> str:
    return f"{points(figure['value'])}%" if figure else ""


def _simulated(versions: loop.Versions, kind: str, version: RewardModelVersion | PolicyVersion | None) -> int:
    return versions.simulated.of(kind, version.number) if version else 0


def _rewards(project: Project) -> list[tuple[str, float, float, bool, str]]:
    """Every policy that followed a reward: KL across, reward up."""
    followed = PolicyVersion.objects.filter(project=project, report__has_key="after").order_by("number")
    return [
        (
            f"v{one.number}",
            one.report["after"]["kl"],
            one.report["after"]["reward"],
            one.is_current,
            f"v{one.number}: reward {one.report['after']['reward']:.2f}, KL {one.report['after']['kl']:.1f} nats",
        )
        for one in followed
    ]
