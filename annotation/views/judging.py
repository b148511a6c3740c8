"""What the pages of all kinds of task share: the next task on the page of its kind, and drafts."""

from collections.abc import Callable
from typing import Any, Protocol
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from annotation.checking import standing
from annotation.collecting import progress, queue, shown
from annotation.errors import BadRequest, ClaimsPaused, LeaseOver
from annotation.forms.ranking import FlagForm, OriginForm, SkipForm
from annotation.models import Annotator, Assignment, Demonstration, Ranking, Rating
from annotation.texts.markdown import render_document
from annotation.views.offline import kept


class Page(Protocol):
    """Shows an assignment on the page of its task's kind, as far as it has come."""

    def __call__(
        self,
        request: HttpRequest,
        assignment: Assignment,
        *,
        status: int = 200,
        skip_form: SkipForm | None = None,
        flag_form: FlagForm | None = None,
    ) -> HttpResponse: ...


class Draft(Protocol):
    """A form that takes an answer as far as it has come."""

    @property
    def errors(self) -> Any: ...
    def is_valid(self) -> bool: ...
    def draft(self) -> dict[str, Any]: ...


ANOTHER_STANDS = "You had judged this task already, maybe in another tab: that judgement stands."
_pages: dict[str, Page] = {}
# Nobody has said anything in them, and making them takes longer than showing them.
_EMPTY_SKIP, _EMPTY_FLAG = SkipForm(), FlagForm()


def shows(kind: str) -> Callable[[Page], Page]:
    """Registers the page of a kind of task."""

    def register(page: Page) -> Page:
        _pages[kind] = page
        return page

    return register


def page_of(request: HttpRequest, assignment: Assignment, **options: Any) -> HttpResponse:
    """The page of an assignment, whatever its kind."""
    return _pages[assignment.task.kind](request, assignment, **options)


def next_task(request: HttpRequest, annotator: Annotator) -> HttpResponse:
    """The annotator's open task, or the next one, or the end; its counts alone where a script shows it already."""
    try:
        return _shown(request, annotator, queue.claim(annotator=annotator))
    except ClaimsPaused as paused:
        return _paused(request, annotator, paused)


def _paused(request: HttpRequest, annotator: Annotator, why: ClaimsPaused) -> HttpResponse:
    context = {"project": annotator.project, "progress": progress.of(annotator), "why": str(why)}
    return TemplateResponse(request, "annotation/paused.html", context)


def _shown(request: HttpRequest, annotator: Annotator, assignment: Assignment | None) -> HttpResponse:
    if assignment is None:
        context = {"project": annotator.project, "progress": progress.of(annotator)}
        return TemplateResponse(request, "annotation/finished.html", context)
    if request.headers.get("X-Shown") == str(assignment.public_id):
        context = {
            "project": annotator.project,
            "progress": progress.of(assignment.annotator),
            "assignment": assignment,
        }
        return TemplateResponse(request, "annotation/shown.html", context)
    return kept(page_of(request, assignment), assignment)


def go_on(request: HttpRequest, annotator: Annotator) -> HttpResponse:
    """To the next task: the page itself for a script, a redirect for a form."""
    if _by_script(request):
        return next_task(request, annotator)
    return redirect("rank", slug=annotator.project.slug)


def _by_script(request: HttpRequest) -> bool:
    return request.headers.get("X-Requested-With") == "fetch"


def gone(request: HttpRequest, assignment: Assignment) -> HttpResponse | None:
    """Onwards, where the task has left this annotator's hands meanwhile; else None."""
    if assignment.status == Assignment.Status.OPEN:
        return None
    messages.warning(request, "This task is not in your hands any more: here is the next one.")
    return go_on(request, assignment.annotator)


def refuse_other(request: HttpRequest, version: UUID) -> None:
    """A form that changes an older version was open in another tab. Raises BadRequest; the page that comes back changes
    ``version``."""
    if request.POST.get("revises", str(version)) != str(version):
        raise BadRequest(
            "You changed this meanwhile, maybe in another tab. Submit again to put this in its place."
        )


def tell_which_stands(request: HttpRequest) -> None:
    """What was sent a second time says something else than what is stored: for the next page to say."""
    # Once all is stored: where Postgres gives a try up, the answer is stored again.
    transaction.on_commit(lambda: messages.warning(request, ANOTHER_STANDS))


def submitted(
    request: HttpRequest,
    assignment: Assignment,
    form: forms.Form,
    *,
    store: Callable[[], Ranking | Rating | Demonstration],
    page: Callable[..., HttpResponse],
    field: str | None = None,
) -> HttpResponse:
    """Store a whole answer and go on; back to ``page`` with what was wrong, or onwards where the task is gone.

    ``store`` writes what the form says (queue.answer_and_claim) and raises the errors of annotation; they stand at
    ``field``.
    """
    if not form.is_valid():
        return gone(request, assignment) or page(request, assignment, form, status=422)
    try:
        after = queue.answer_and_claim(store)
    except LeaseOver as error:
        form.add_error(None, str(error))
        form.add_error(None, "Nothing was stored; what you entered stays here until you go on.")
        return page(request, assignment, form, status=409)
    except BadRequest as error:
        form.add_error(field, str(error))
        return gone(request, assignment) or page(request, assignment, form, status=422)
    if not _by_script(request) or (after.assignment is None and after.paused is None):
        return go_on(request, assignment.annotator)
    if after.paused is not None:
        return _paused(request, after.answered.annotator, after.paused)
    return _shown(request, after.answered.annotator, after.assignment)


def keep_draft(request: HttpRequest, assignment: Assignment, form: Draft, kind: str) -> JsonResponse:
    """Renew the lease and keep the answer as far as it has come: ``{"kept": bool, "replaced": bool}``, or
    ``{"error": text}``.

    It is not kept where another browser has gone on with it since, and ``replaced`` where that one had before, unseen.
    """
    origin_form = OriginForm(request.POST)
    if assignment.task.kind != kind:
        return JsonResponse({"error": "This task asks for another kind of answer."}, status=422)
    for posted_form in (form, origin_form):
        if not posted_form.is_valid():
            return JsonResponse({"error": " ".join(posted_form.errors.as_text().split())}, status=422)
    origin = origin_form.origin()
    replaces = origin is not None and origin.replaces_another(assignment)
    try:
        kept = queue.renew(
            assignment=assignment, annotator=assignment.annotator, draft=form.draft(), origin=origin
        )
    except LeaseOver as error:
        return JsonResponse({"error": str(error)}, status=409)
    except BadRequest as error:
        return JsonResponse({"error": str(error)}, status=422)
    return JsonResponse({"kept": kept, "replaced": kept and replaces})


def common(
    assignment: Assignment, skip_form: SkipForm | None = None, flag_form: FlagForm | None = None
) -> dict[str, Any]:
    """What the page of every kind shows of an assignment."""
    annotator = assignment.annotator
    return {
        "project": annotator.project,
        "progress": progress.of(annotator),
        "guidelines": render_document(annotator.project.guidelines),
        "guidelines_changed": bool(annotator.project.guidelines)
        and 0 < annotator.guidelines_read < annotator.project.guideline_version,
        "assignment": assignment,
        "turns": shown.turns(assignment.task.prompt),
        "skip_form": skip_form or _EMPTY_SKIP,
        "flag_form": flag_form or _EMPTY_FLAG,
        "warning": standing.warning_of(annotator),
    }
