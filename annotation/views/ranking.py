"""The ranking page: the next task, its drafts, skips and submissions.

Without JavaScript a POST is answered by a redirect to the page of the next task; a script that sends the form
itself (``X-Requested-With: fetch``) gets that page at once and swaps it in. A script that fetched the next task
ahead shows that one before it sends, and names it (``X-Shown``): where it is indeed the next, the answer holds the
counts alone.
"""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from annotation import flags, progress, queue, ranking, shown, standing
from annotation.errors import BadRequest, ClaimsPaused, LeaseOver
from annotation.forms import DraftForm, FlagForm, RankingForm, SkipForm
from annotation.markdown import render_document
from annotation.models import Annotator, Assignment, Ranking
from annotation.views.access import for_annotator, posted_assignment


@require_GET
@never_cache
@for_annotator
def rank(request: HttpRequest, annotator: Annotator) -> HttpResponse:
    """The annotator's open task, or the next one, or the end."""
    return _next(request, annotator)


@require_GET
@never_cache
@for_annotator
def ahead(request: HttpRequest, annotator: Annotator) -> HttpResponse:
    """The page of the task after this one, held for the annotator from now on; 204 where there is none."""
    assignment = queue.reserve(annotator=annotator)
    if assignment is None:
        return HttpResponse(status=204)
    return _page(request, assignment, RankingForm(assignment=assignment))


@require_POST
@for_annotator
def submit(request: HttpRequest, annotator: Annotator) -> HttpResponse:
    """Store the judgement and go on; back with what was wrong if it is not whole, or the task is gone."""
    assignment = posted_assignment(request, annotator)
    form = RankingForm(request.POST, assignment=assignment)
    if not form.is_valid():
        return _again(request, assignment, form)
    said = form.judgement()
    try:
        stored = ranking.submit(assignment=assignment, annotator=annotator, **said)
    except LeaseOver as error:
        form.add_error(None, f"{error} Nothing was stored; what you entered stays here until you go on.")
        return _page(request, assignment, form, status=409)
    except BadRequest as error:
        form.add_error(None, str(error))
        return _again(request, assignment, form)
    if not ranking.says_the_same(stored, verdict=said["verdict"], ranks=said["ranks"]):
        messages.warning(
            request, "You had judged this task already, maybe in another tab: that judgement stands."
        )
    return _go_on(request, annotator)


@require_POST
@for_annotator
def draft(request: HttpRequest, annotator: Annotator) -> JsonResponse:
    """Renew the lease and keep the judgement as far as it has come: ``{}``, or ``{"error": text}``."""
    assignment = posted_assignment(request, annotator)
    form = DraftForm(request.POST, assignment=assignment)
    if not form.is_valid():
        return JsonResponse({"error": " ".join(form.errors.as_text().split())}, status=422)
    try:
        queue.renew(assignment=assignment, annotator=annotator, draft=form.draft())
    except LeaseOver as error:
        return JsonResponse({"error": str(error)}, status=409)
    except BadRequest as error:
        return JsonResponse({"error": str(error)}, status=422)
    return JsonResponse({})


@require_POST
@for_annotator
def skip(request: HttpRequest, annotator: Annotator) -> HttpResponse:
    """Pass the task on to others, with the reason, and go on."""
    assignment = posted_assignment(request, annotator)
    form = SkipForm(request.POST)
    if not form.is_valid():
        return _again(request, assignment, RankingForm(assignment=assignment), form)
    try:
        queue.skip(assignment=assignment, annotator=annotator, reason=form.cleaned_data["reason"])
    except LeaseOver as error:
        messages.warning(request, str(error))
    return _go_on(request, annotator)


@require_POST
@for_annotator
def flag(request: HttpRequest, annotator: Annotator) -> HttpResponse:
    """Tell researchers that something is wrong with the task, and go on with it or with the next one."""
    assignment = posted_assignment(request, annotator)
    form = FlagForm(request.POST)
    if not form.is_valid():
        return _again(request, assignment, RankingForm(assignment=assignment), flag_form=form)
    try:
        flags.raise_flag(assignment=assignment, annotator=annotator, **form.cleaned_data)
        messages.success(request, "Flagged: a researcher will look at it.")
    except BadRequest as error:
        form.add_error("words", str(error))
        return _again(request, assignment, RankingForm(assignment=assignment), flag_form=form)
    except LeaseOver as error:
        messages.warning(request, str(error))
    return _go_on(request, annotator)


@require_POST
@for_annotator
def release(request: HttpRequest, annotator: Annotator) -> HttpResponse:
    """Hand the task back unjudged and go home."""
    try:
        queue.release(assignment=posted_assignment(request, annotator), annotator=annotator)
    except LeaseOver as error:
        messages.warning(request, str(error))
    return redirect("home")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@for_annotator
def last(request: HttpRequest, annotator: Annotator) -> HttpResponse:
    """The annotator's last ranking, to be changed; the new one supersedes it."""
    stored = ranking.revisable(annotator)
    if stored is None:
        messages.info(request, "There is no ranking of yours that can still be changed.")
        return redirect("rank", slug=annotator.project.slug)
    assignment = Assignment.objects.get(task=stored.task, annotator=annotator, status="submitted")
    if request.method != "POST":
        form = RankingForm(assignment=assignment, said=shown.said(stored))
        return _page(request, assignment, form, revised=stored)
    form = RankingForm(request.POST, assignment=assignment)
    if not form.is_valid() or posted_assignment(request, annotator) != assignment:
        return _page(request, assignment, form, status=422, revised=stored)
    try:
        ranking.revise(ranking=stored, **form.judgement())
    except BadRequest as error:
        form.add_error(None, str(error))
        return _page(request, assignment, form, status=422, revised=stored)
    messages.success(request, "Your last ranking is changed.")
    return _go_on(request, annotator)


@require_GET
@for_annotator
def guidelines(request: HttpRequest, annotator: Annotator) -> HttpResponse:
    """The project's guidelines on a page of their own."""
    project = annotator.project
    context = {"project": project, "guidelines": render_document(project.guidelines)}
    return TemplateResponse(request, "annotation/guidelines.html", context)


def _go_on(request: HttpRequest, annotator: Annotator) -> HttpResponse:
    if request.headers.get("X-Requested-With") == "fetch":
        return _next(request, annotator)
    return redirect("rank", slug=annotator.project.slug)


def _again(
    request: HttpRequest,
    assignment: Assignment,
    form: RankingForm,
    skip_form: SkipForm | None = None,
    flag_form: FlagForm | None = None,
) -> HttpResponse:
    """The same task with what was wrong, unless it has left this annotator's hands meanwhile."""
    if assignment.status != Assignment.Status.OPEN:
        messages.warning(request, "This task is not in your hands any more: here is the next one.")
        return _go_on(request, assignment.annotator)
    return _page(request, assignment, form, skip_form, status=422, flag_form=flag_form)


def _next(request: HttpRequest, annotator: Annotator) -> HttpResponse:
    try:
        assignment = queue.claim(annotator=annotator)
    except ClaimsPaused as error:
        context = {"project": annotator.project, "progress": progress.of(annotator), "why": str(error)}
        return TemplateResponse(request, "annotation/paused.html", context)
    if assignment is None:
        context = {"project": annotator.project, "progress": progress.of(annotator)}
        return TemplateResponse(request, "annotation/finished.html", context)
    if request.headers.get("X-Shown") == str(assignment.public_id):
        context = {
            "project": annotator.project,
            "progress": progress.of(annotator),
            "assignment": assignment,
        }
        return TemplateResponse(request, "annotation/shown.html", context)
    return _page(request, assignment, RankingForm(assignment=assignment))


def _page(
    request: HttpRequest,
    assignment: Assignment,
    form: RankingForm,
    skip_form: SkipForm | None = None,
    status: int = 200,
    revised: Ranking | None = None,
    flag_form: FlagForm | None = None,
) -> HttpResponse:
    annotator = assignment.annotator
    cards = shown.cards(assignment)
    context = {
        "project": annotator.project,
        "progress": progress.of(annotator),
        "guidelines": render_document(annotator.project.guidelines),
        "assignment": assignment,
        "turns": shown.turns(assignment.task.prompt),
        "cards": [(card, form[f"rank_{card.letter}"]) for card in cards],
        "places": range(1, len(cards) + 1),
        "form": form,
        "skip_form": skip_form or SkipForm(),
        "flag_form": flag_form or FlagForm(),
        "warning": standing.warning_of(annotator),
        "revised": revised,
    }
    return TemplateResponse(request, "annotation/rank.html", context, status=status)
