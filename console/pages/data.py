"""A list of one kind of data, which the address narrows."""

from typing import cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from annotation import people
from annotation.api.sorting import SORTED
from annotation.collecting import flags
from annotation.errors import BadRequest, TwoForms
from annotation.files import export
from annotation.models import Flag, Project, Task
from annotation.patience import patiently
from console.data.kinds import KINDS, kind_named
from console.data.paging import address, lines_of
from console.forms.plain import PlainForm
from console.pages.access import for_project

# The parameter that says as which kind of lines rows go out.
AS = "as"
TWO_FORMS = (
    "These are pairs of text and of chat prompts, and a file holds one: choose the form of the prompt first."
)
# Of the kinds whose rows are of one task each, where that is.
TASKS_OF = {"tasks": "pk", "rankings": "task"}


class FlagForm(PlainForm):
    """Why what is listed should be looked at."""

    category = forms.ChoiceField(choices=Flag.Category.choices, label="Reason")
    words = forms.CharField(max_length=flags.MOST_WORDS, required=False, label="In words")


@require_safe
@for_project
def data_page(request: HttpRequest, project: Project, kind: str) -> HttpResponse:
    """The newest first, or in the order of the address, which is the view."""
    of_kind = kind_named(kind)
    filters = of_kind.filters(request.GET, project=project)
    context = {
        **admin.site.each_context(request),
        "title": of_kind.title,
        "project": project,
        "kind": of_kind,
        "kinds": KINDS.values(),
        "filters": filters,
        "chosen": filters.chosen(),
        "flagging": FlagForm() if kind in TASKS_OF else None,
        "exported": [(name, address(request.GET, **{AS: name})) for name in of_kind.exported],
        "lines": lines_of(
            lambda: filters.narrow(of_kind.rows(project)), of_kind.lines, request.GET, filters.sorted_by()
        ),
        "most_sorted": SORTED,
        "rows_of_kind": f"admin/data/{kind}.html",
    }
    return TemplateResponse(request, "admin/data.html", context)


@require_safe
@for_project
def data_file(request: HttpRequest, project: Project, kind: str) -> HttpResponseBase:
    """What a list holds as JSONL, all pages: of the rows that its address means those that an export has at all."""
    of_kind = kind_named(kind)
    exported = request.GET.get(AS, "")
    if exported not in of_kind.exported:
        raise Http404
    filters = of_kind.filters(request.GET, project=project)
    try:
        lines = export.streamed(
            project=project,
            kind=exported,
            form=request.GET.get("form") or None,
            only=lambda: filters.narrow(of_kind.rows(project)),
        )
    except BadRequest as error:
        messages.error(request, TWO_FORMS if isinstance(error, TwoForms) else str(error))
        return redirect(_list_address(request, project, kind))
    name = f"{project.slug}-{exported}{'-narrowed' if filters.chosen() else ''}.jsonl"
    return StreamingHttpResponse(
        lines,
        content_type="application/jsonl",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@require_POST
@for_project
def data_flag(request: HttpRequest, project: Project, kind: str) -> HttpResponse:
    """Flag the tasks of what a list holds, all pages, as whoever asks for it."""
    if kind not in TASKS_OF:
        raise Http404
    of_kind, form = kind_named(kind), FlagForm(request.POST)
    filters = of_kind.filters(request.GET, project=project)
    by = people.annotator_for(project=project, user=cast("User", request.user))
    try:
        if not form.is_valid():
            raise BadRequest(" ".join(str(one) for errors in form.errors.values() for one in errors))
        with patiently():
            rows = filters.narrow(of_kind.rows(project)).order_by().values(TASKS_OF[kind])
            flagged = flags.flag_tasks(tasks=Task.objects.filter(pk__in=rows), by=by, **form.cleaned_data)
        messages.success(request, f"{flagged:,} tasks are flagged." if flagged != 1 else "1 task is flagged.")
    except BadRequest as error:
        messages.error(request, str(error))
    return redirect(_list_address(request, project, kind))


def _list_address(request: HttpRequest, project: Project, kind: str) -> str:
    """Of the list that the request is about, at its beginning."""
    return f"{reverse('admin:data', args=[project.slug, kind])}{address(request.GET, **{AS: None})}"
