"""All runs of a project, the newest first, by kind, status and tag; what is archived only on request."""

from typing import NamedTuple

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from annotation.models import Project
from console import describing
from console.pages.access import for_project
from runs.kinds import kind_of, titles
from runs.models import Run, RunQuerySet

A_PAGE = 50


class Row(NamedTuple):
    """A run as a line of the table."""

    run: Run
    sentence: str
    changed: str
    outcome: str


@require_safe
@for_project
def runs_page(request: HttpRequest, project: Project) -> HttpResponse:
    """What ran, runs and waits."""
    chosen = _chosen(describing.described_runs(project), request.GET)
    pages = Paginator(chosen, A_PAGE).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        **admin.site.each_context(request),
        "title": "Runs",
        "project": project,
        "pages": pages,
        "query": f"{query.urlencode()}&" if query else "",
        "rows": [_row(run) for run in pages],
        "kinds": titles(),
        "statuses": Run.Status.choices,
        "chosen": {name: request.GET.get(name, "") for name in ("kind", "status", "tag", "archived")},
    }
    return TemplateResponse(request, "admin/runs.html", context)


def _chosen(runs: RunQuerySet, query: QueryDict) -> RunQuerySet:
    """What an address asks for; a word that nothing knows finds nothing."""
    runs = runs.filter(archived=query.get("archived") == "yes")
    # Postgres holds no NUL, so it cannot be asked for one.
    words = {name: query.get(name, "").replace("\0", "").strip() for name in ("kind", "status", "tag")}
    for name in ("kind", "status"):
        if words[name]:
            runs = runs.filter(**{name: words[name]})
    return runs.filter(tags__contains=[words["tag"].lower()]) if words["tag"] else runs


def _row(run: Run) -> Row:
    settings = describing.settings(run)
    changed = ", ".join(f"{one.name} {one.value}" for one in settings.changed) if settings else ""
    return Row(run, describing.sentence(run) or kind_of(run).title, changed, describing.outcome(run))
