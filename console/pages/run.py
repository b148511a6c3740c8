"""One run: status, progress, curves, log, cancel, and what it made."""

import csv
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib import admin, messages
from django.db.models import Exists, Max, OuterRef
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    JsonResponse,
    StreamingHttpResponse,
)
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from annotation.errors import AnnotationError, BadRequest
from annotation.files import transfers
from annotation.models import Project
from annotation.texts.durations import in_words
from console import curves, describing, downloads
from console.data.paging import id_in_address
from console.pages.access import for_run
from console.pages.answers import watched
from console.pages.findings import findings
from rewardmodel.errors import RewardModelError
from rltrainer.errors import PolicyError
from rltrainer.lineage import simulated_behind
from runs import kinds, lifecycle, log, noting
from runs.errors import RunNotActive, RunsError
from runs.kinds import kind_of
from runs.models import Run, RunMetric, RunQuerySet
from runs.waiting import at_work_beside, expected_start
from runs.workers import has_worker

# What a page draws at most; a longer run is thinned evenly, its last step kept.
MOST_POINTS = 2000
# Other runs of the kind whose curves can be laid over, the newest.
MOST_OTHERS = 20
# How many of them at once: each has a colour and a dash of its own (static/js/run/plot.js).
MOST_OVER = 6
# What a transfer counts, in a reader's order.
COUNTED = {
    "file": "File",
    "lines": "Lines",
    "added": "Added",
    "already": "Already there",
    "bad": "Bad lines",
    "ties_left_out": "Ties left out",
}
# Seconds in which a worker that is free takes a run, many times over.
TAKEN_WITHIN = 15.0
# The runs of a queue by which its workers are known.
NEWEST = 50


class Other(NamedTuple):
    """A run whose curves can be laid over."""

    pk: int
    words: str
    tags: list[str]


@require_safe
@for_run
def run_page(request: HttpRequest, run: Run, project: Project) -> HttpResponse:
    """The whole page; its live part asks for ``run_live`` again while the run is active."""
    return TemplateResponse(request, "admin/run.html", _context(request, run, project))


@require_safe
@for_run
def run_live(request: HttpRequest, run: Run, project: Project) -> HttpResponse:
    """Status, progress and log as a fragment."""
    return TemplateResponse(request, "admin/run.html#live", _context(request, run, project))


@require_safe
@for_run
def run_answers(request: HttpRequest, run: Run, project: Project) -> HttpResponse:
    """What it answers to its watched prompts, as a fragment."""
    context = {"run": run, "watched": watched(run, project)}
    return TemplateResponse(request, "admin/run.html#answers", context)


@require_safe
@for_run
def run_metrics(request: HttpRequest, run: Run, project: Project) -> HttpResponse:
    """All numbers in the metrics, for the page to draw.

    With ``format=csv`` every line of them as a table, as they were measured: shares from 0 to 1; of the runs that
    ``over`` names too, with each line's run.

    ``{"active": bool, "steps": [...], "groups": [...], "curves": [{"name", "label", "unit", "group", "values"}]}``
    """
    if request.GET.get("format") == "csv":
        return _table(run, _over(request, run, project))
    lines = _lines(run.pk)
    stride = max(1, -(-len(lines) // MOST_POINTS))
    kept = lines[-1::-stride][::-1]
    drawn = []
    for name in _numbers(kept):
        curve = curves.curve(name)
        measured = [_number(line.get(name)) for line in kept]
        values = [None if value is None else value * curve.factor for value in measured]
        drawn.append({"name": name, **curve._asdict(), "values": values})
    return JsonResponse(
        {
            "active": run.is_active,
            "steps": [line["step"] for line in kept],
            "groups": curves.GROUPS,
            "curves": drawn,
        }
    )


def _numbers(lines: list[dict[str, Any]]) -> list[str]:
    """The names of what was measured, in a reader's order."""
    names = {name for line in lines for name, value in line.items() if _number(value) is not None}
    return sorted(names - curves.COUNTERS, key=curves.place)


def _lines(run: int) -> list[dict[str, Any]]:
    return list(RunMetric.objects.filter(run=run).order_by("id").values_list("figures", flat=True))


def _over(request: HttpRequest, run: Run, project: Project) -> list[int]:
    """The other runs of its kind that the address lays over it, in the address's order."""
    ids = map(id_in_address, request.GET.getlist("over")[:MOST_OVER])
    named = dict.fromkeys(one for one in ids if one is not None)
    known = set(_measured(run, project).filter(pk__in=named).values_list("pk", flat=True))
    return [one for one in named if one in known]


def _table(run: Run, over: list[int]) -> HttpResponse:
    lines = {one: _lines(one) for one in (run.pk, *over)}
    names = _numbers([line for of_run in lines.values() for line in of_run])
    answer = HttpResponse(
        content_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="run-{run.pk}.csv"'},
    )
    table = csv.writer(answer)
    table.writerow([*(["run"] if over else []), "step", *names])
    for one, of_run in lines.items():
        whose = [one] if over else []
        table.writerows(
            [*whose, line["step"], *(_number(line.get(name)) for name in names)] for line in of_run
        )
    return answer


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


@require_POST
@for_run
def run_cancel(request: HttpRequest, run: Run, project: Project) -> HttpResponse:
    """Ask for an end; the worker stops the child within ten seconds."""
    try:
        lifecycle.cancel(run=run)
        messages.success(request, f"Run {run.pk} is being cancelled.")
    except RunNotActive as error:
        messages.info(request, str(error))
    return redirect("admin:run", pk=run.pk)


@require_POST
@for_run
def run_again(request: HttpRequest, run: Run, project: Project) -> HttpResponse:
    """Queue another run that asks for the same."""
    try:
        run = kinds.request_again(run=run, created_by=request.user)  # type: ignore[arg-type]  # for_run refuses others
    except (AnnotationError, RewardModelError, PolicyError, RunsError) as error:
        messages.error(request, str(error))
    return redirect("admin:run", pk=run.pk)


@require_POST
@for_run
def run_resume(request: HttpRequest, run: Run, project: Project) -> HttpResponse:
    """Let it go on from its checkpoint."""
    try:
        kinds.request_resume(run=run)
        messages.success(request, f"Run {run.pk} goes on from its checkpoint.")
    except RunsError as error:
        messages.info(request, str(error))
    return redirect("admin:run", pk=run.pk)


@require_POST
@for_run
def run_note(request: HttpRequest, run: Run, project: Project) -> HttpResponse:
    """What is written beside it."""
    fields = request.POST
    try:
        noting.annotate(
            run=run,
            note=fields.get("note", ""),
            tags=fields.get("tags", "").split(),
            archived=fields.get("archived") == "yes",
        )
        messages.success(request, "Saved.")
    except RunsError as error:
        messages.error(request, str(error))
    return redirect("admin:run", pk=run.pk)


@require_safe
@for_run
def run_file(request: HttpRequest, run: Run, project: Project, name: str) -> FileResponse:
    """One file of what it made."""
    return downloads.kept(describing.artifact(run), name)


@require_POST
@for_run
def run_rest(request: HttpRequest, run: Run, project: Project) -> HttpResponse:
    """Import the good lines of the file that this run refused."""
    try:
        run = transfers.request_rest(run=run, created_by=request.user)  # type: ignore[arg-type]  # for_run refuses others
    except BadRequest as error:
        messages.error(request, str(error))
    return redirect("admin:run", pk=run.pk)


@require_safe
@for_run
def run_output(request: HttpRequest, run: Run, project: Project) -> FileResponse | StreamingHttpResponse:
    """What an export made."""
    file = downloads.exported(run)
    if file is None:
        raise Http404
    return downloads.answer(file)


@require_safe
@for_run
def run_log(request: HttpRequest, run: Run, project: Project) -> StreamingHttpResponse:
    """The whole log as it is now."""
    if not log.has_log(run):
        raise Http404
    return StreamingHttpResponse(
        log.pieces(run),
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="run-{run.pk}-log.txt"'},
    )


def _context(request: HttpRequest, run: Run, project: Project) -> dict[str, object]:
    now = timezone.now()
    left, elapsed = run.seconds_left(now), lifecycle.elapsed(run, now)
    kind, over = kind_of(run), _over(request, run, project)
    return {
        **admin.site.each_context(request),
        "title": describing.sentence(run),
        "run": run,
        "kind": kind,
        "project": project,
        "percent": round(100 * run.done / run.total) if run.total else None,
        "left": None if left is None else in_words(left),
        "elapsed": None if elapsed is None else in_words(elapsed),
        "waits": _waits(run, now) if run.status == Run.Status.QUEUED else "",
        "findings": findings(run),
        "watched": watched(run, project),
        "facts": describing.facts(run, project),
        "settings": describing.settings(run),
        "onward": describing.onward(run, project),
        "artifact": describing.finished_artifact(run),
        "others": _others(run, project, over),
        "over": over,
        "most_over": MOST_OVER,
        "has_metrics": run.is_active or RunMetric.objects.filter(run=run).exists(),
        "can_ask_again": kind.again is not None,
        "can_resume": kind.resumes and run.status in (Run.Status.FAILED, Run.Status.CANCELLED),
        "stores_on_the_way": kind.follow is not None,
        "is_export": run.kind in downloads.KINDS,
        "download": downloads.exported(run),
        "loading": describing.loading(run),
        "has_log": log.has_log(run),
        "has_rest": transfers.has_rest(run),
        "simulated": simulated_behind(run),
        "result": _result(run),
    }


def _result(run: Run) -> dict[str, str]:
    """What has no page of its own to say it: an import's and an export's counts, in a reader's order. The title says
    what they are of. Of a folder its name is in the lines that load it, and its digest is for programs."""
    told_elsewhere = {"project", "kind", *(("folder", "digest") if run.kind in downloads.OF_A_FOLDER else ())}
    names = [
        *(name for name in COUNTED if name in run.result),
        *(name for name in run.result if name not in COUNTED),
    ]
    return {
        COUNTED.get(name, name.replace("_", " ").capitalize()): _counted(run.result[name])
        for name in names
        if not isinstance(run.result[name], dict | list) and name not in told_elsewhere
    }


def _counted(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _waits(run: Run, now: datetime) -> str:
    """What a queued run waits for, whoever's the others are."""
    same = Run.objects.filter(queue=run.queue)
    before = same.filter(status=Run.Status.QUEUED, pk__lt=run.pk).count()
    at_work = at_work_beside(run, now)
    silent = 0 if at_work else _silent(run, now)
    if silent > TAKEN_WITHIN and has_worker(run.queue):
        turn = f"then it is this run's turn after {before} before it" if before else "then it takes this run"
        return (
            f"The worker of the queue {run.queue} is busy with something that is no run, as a check or a clean-up; "
            f"{turn}. You need not do anything."
        )
    if silent > TAKEN_WITHIN:
        return (
            f"No worker of the queue {run.queue} has taken anything for {in_words(silent)}: it seems that none "
            "runs. Whoever runs Concord starts all of it with “make serve”, or a worker alone as the guide to "
            "several machines says; this run then begins by itself."
        )
    if not at_work and not before:
        return f"Waits for a worker of the queue {run.queue} to take it."
    counts = [f"{len(at_work)} run{'s' * (len(at_work) != 1)} at work"] if at_work else []
    counts += [f"{before} before this one"] if before else []
    words = f"In the queue {run.queue}: {', '.join(counts)}."
    left = [seconds for one in at_work if (seconds := one.seconds_left(now)) is not None]
    words += f" The first is done in about {in_words(min(left))}." if left else ""
    start = expected_start(run, at_work, now)
    return f"{words} This run begins at about {in_clock_time(start, now)}." if start else words


def in_clock_time(moment: datetime, now: datetime) -> str:
    """14:05 UTC; with its date where that is not today's."""
    local, today = timezone.localtime(moment), timezone.localtime(now).date()
    return f"{local:%H:%M %Z}" if local.date() == today else f"{local:%Y-%m-%d %H:%M %Z}"


def _silent(run: Run, now: datetime) -> float:
    """Seconds in which a worker of its queue with nothing else to do would have taken the run, and none did."""
    known = Run.objects.filter(queue=run.queue)[:NEWEST].aggregate(last=Max("heartbeat_at"))["last"]
    # What goes on after a break waits since it was sent again.
    begun = run.sent_at if run.attempt else None
    return (now - max(time for time in (run.created_at, begun, known) if time is not None)).total_seconds()


def _measured(run: Run, project: Project) -> RunQuerySet:
    """Other runs of its kind that have curves."""
    measured = Exists(RunMetric.objects.filter(run=OuterRef("pk")))
    return describing.described_runs(project).filter(measured, kind=run.kind).exclude(pk=run.pk)


def _others(run: Run, project: Project, over: list[int]) -> list[Other]:
    """The newest of them, and those that are laid over already, however old."""
    rows = _measured(run, project)
    newest = list(rows[:MOST_OTHERS])
    older = rows.filter(pk__in=set(over) - {one.pk for one in newest}) if over else ()
    return [Other(one.pk, describing.sentence(one), one.tags) for one in (*newest, *older)]
