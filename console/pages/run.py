"""One run: status, progress, curves, log, cancel, and what it made."""

import mimetypes
from pathlib import Path

from django.contrib import admin, messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from annotation.errors import BadRequest
from annotation.files import transfers
from annotation.models import Project
from console.durations import in_words
from console.pages.access import for_run
from console.pages.findings import findings
from rltrainer.lineage import simulated_behind
from runs import lifecycle
from runs.errors import RunNotActive
from runs.execution import folder_of
from runs.kinds import kind_of
from runs.models import Run, RunMetric

# What a page draws at most; a longer run is thinned evenly, its last step kept.
MOST_POINTS = 2000
# Of a line of metrics, what says where it stands instead of what was measured.
COUNTERS = {"step", "attempt", "epoch"}
# What a reader looks at first; the rest follow by name, and how long things took comes last.
FIRST = [
    "reward",
    "kl",
    "objective",
    "loss",
    "held_out_loss",
    "validation_loss",
    "accuracy",
    "length",
    "ended",
    "entropy",
]
LAST = ("seconds", "tokens_per", "rankings_per")


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
def run_metrics(request: HttpRequest, run: Run, project: Project) -> HttpResponse:
    """``{"active": bool, "steps": [...], "series": {name: [...]}}`` of all numbers in the metrics."""
    lines = list(RunMetric.objects.filter(run=run).order_by("id").values_list("figures", flat=True))
    stride = max(1, -(-len(lines) // MOST_POINTS))
    kept = lines[-1::-stride][::-1]
    names = sorted({name for line in kept for name in line} - COUNTERS, key=_place)
    series = {name: [_number(line.get(name)) for line in kept] for name in names}
    numeric = {name: values for name, values in series.items() if any(value is not None for value in values)}
    return JsonResponse(
        {"active": run.is_active, "steps": [line["step"] for line in kept], "series": numeric}
    )


def _place(name: str) -> tuple[int, int, str]:
    """Where a curve stands on the page (jsonb keeps no order of its own)."""
    first = FIRST.index(name) if name in FIRST else len(FIRST)
    return first, int(name.startswith(LAST)), name


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
def run_rest(request: HttpRequest, run: Run, project: Project) -> HttpResponse:
    """Import the good lines of the file that this run refused."""
    try:
        run = transfers.request_rest(run=run, created_by=request.user)  # type: ignore[arg-type]  # for_run refuses others
    except BadRequest as error:
        messages.error(request, str(error))
    return redirect("admin:run", pk=run.pk)


@require_safe
@for_run
def run_output(request: HttpRequest, run: Run, project: Project) -> HttpResponse | FileResponse:
    """An export's file."""
    path = exported_file(run)
    if path is None:
        raise Http404
    kind = mimetypes.guess_type(path.name)[0] or "application/jsonl"
    return FileResponse(path.open("rb"), as_attachment=True, filename=path.name, content_type=kind)


def exported_file(run: Run) -> Path | None:
    """What a succeeded export made; None of anything else."""
    if run.kind != "export" or run.status != Run.Status.SUCCEEDED:
        return None
    # A link would lead out of the run's folder.
    files = (
        path for path in folder_of(run).output.glob("*.jsonl*") if path.is_file() and not path.is_symlink()
    )
    return next(files, None)


def _context(request: HttpRequest, run: Run, project: Project) -> dict[str, object]:
    now = timezone.now()
    left, elapsed = run.seconds_left(now), lifecycle.elapsed(run, now)
    return {
        **admin.site.each_context(request),
        "title": f"{kind_of(run).title} · run {run.pk}",
        "run": run,
        "project": project,
        "percent": round(100 * run.done / run.total) if run.total else None,
        "left": None if left is None else in_words(left),
        "elapsed": None if elapsed is None else in_words(elapsed),
        "findings": findings(run),
        "download": exported_file(run),
        "has_rest": transfers.has_rest(run),
        "simulated": simulated_behind(run),
        # What has no page of its own to say it: an import's and an export's counts.
        "result": {
            name.replace("_", " "): value
            for name, value in run.result.items()
            if not isinstance(value, dict | list)
        },
    }
