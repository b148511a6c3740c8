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
from django.views.decorators.http import require_GET, require_POST

from annotation import people
from annotation.collecting import flags, queue, ranking, shown
from annotation.errors import BadRequest, LeaseOver
from annotation.forms.pair import PairForm, draft_form, ranking_form
from annotation.forms.ranking import FlagForm, RankingForm, SkipForm
from annotation.models import Annotator, Assignment, Ranking, Task
from annotation.texts.markdown import render_document
from annotation.views import judging, offline
from annotation.views.access import for_annotator, for_assignment, for_visitor


@require_GET
@never_cache
@for_annotator
def rank(request: HttpRequest, annotator: Annotator) -> HttpResponse:
    """The annotator's open task, or the next one, or the end. A newcomer reads the guidelines first."""
    if annotator.project.guidelines and not annotator.guidelines_read:
        return redirect("guidelines", slug=annotator.project.slug)
    return judging.next_task(request, annotator)


@require_GET
@never_cache
@for_annotator
def ahead(request: HttpRequest, annotator: Annotator) -> HttpResponse:
    """The page of the task after this one, held for the annotator from now on; 204 where there is none."""
    assignment = queue.reserve(annotator=annotator)
    if assignment is None:
        return HttpResponse(status=204)
    return offline.kept(judging.page_of(request, assignment), assignment)


@judging.shows(Task.Kind.RANK)
def page(
    request: HttpRequest,
    assignment: Assignment,
    *,
    status: int = 200,
    skip_form: SkipForm | None = None,
    flag_form: FlagForm | None = None,
) -> HttpResponse:
    """The completions to be put in order, as far as they are; of two, where the project asks it, how much better."""
    form = ranking_form(assignment=assignment)
    return _page(request, assignment, form, status=status, skip_form=skip_form, flag_form=flag_form)


@require_POST
@for_assignment
def submit(request: HttpRequest, assignment: Assignment) -> HttpResponse:
    """Store the judgement and go on; back with what was wrong if it is not whole, or the task is gone."""
    form = ranking_form(request.POST, assignment=assignment)

    def store() -> Ranking:
        judgement = form.judgement()
        stored = ranking.submit.inside(assignment=assignment, annotator=assignment.annotator, **judgement)
        verdict, ranks, strength = judgement["verdict"], judgement["ranks"], judgement.get("strength")
        if not ranking.says_the_same(stored, verdict=verdict, ranks=ranks, strength=strength):
            judging.tell_which_stands(request)
        return stored

    return judging.submitted(request, assignment, form, store=store, page=_page)


@require_POST
@for_assignment
def draft(request: HttpRequest, assignment: Assignment) -> JsonResponse:
    """Renew the lease and keep the judgement as far as it has come (judging.keep_draft)."""
    return judging.keep_draft(
        request, assignment, draft_form(request.POST, assignment=assignment), Task.Kind.RANK
    )


@require_POST
@for_assignment
def skip(request: HttpRequest, assignment: Assignment) -> HttpResponse:
    """Pass the task on to others, with the reason, and go on."""
    form = SkipForm(request.POST)
    if not form.is_valid():
        return _again(request, assignment, skip_form=form)
    try:
        queue.skip(assignment=assignment, annotator=assignment.annotator, reason=form.cleaned_data["reason"])
    except LeaseOver as error:
        messages.warning(request, str(error))
    return judging.go_on(request, assignment.annotator)


@require_POST
@for_assignment
def flag(request: HttpRequest, assignment: Assignment) -> HttpResponse:
    """Tell researchers that something is wrong with the task, and go on with it or with the next one."""
    form = FlagForm(request.POST)
    if not form.is_valid():
        return _again(request, assignment, flag_form=form)
    try:
        flags.raise_flag(assignment=assignment, annotator=assignment.annotator, **form.cleaned_data)
        messages.success(request, "Flagged: a researcher will look at it.")
    except BadRequest as error:
        form.add_error("words", str(error))
        return _again(request, assignment, flag_form=form)
    except LeaseOver as error:
        messages.warning(request, str(error))
    return judging.go_on(request, assignment.annotator)


@require_POST
@for_assignment
def release(request: HttpRequest, assignment: Assignment) -> HttpResponse:
    """Hand the task back unjudged and go home."""
    try:
        queue.release(assignment=assignment, annotator=assignment.annotator)
    except LeaseOver as error:
        messages.warning(request, str(error))
    return redirect("home")


def change(
    request: HttpRequest, annotator: Annotator, assignment: Assignment, stored: Ranking
) -> HttpResponse:
    """A ranking of theirs, to be changed; the new one supersedes it."""
    if request.method != "POST":
        form = ranking_form(assignment=assignment, draft=shown.as_draft(stored))
        return _page(request, assignment, form, revised=stored)
    form = ranking_form(request.POST, assignment=assignment)
    if not form.is_valid():
        return _page(request, assignment, form, status=422, revised=stored)
    try:
        judging.refuse_other(request, stored.public_id)
        ranking.revise(ranking=stored, **form.judgement())
    except BadRequest as error:
        form.add_error(None, str(error))
        return _page(request, assignment, form, status=422, revised=stored)
    messages.success(request, f"Your {'choice' if isinstance(form, PairForm) else 'ranking'} is changed.")
    return judging.go_on(request, annotator)


@require_GET
@never_cache
@for_visitor
def guidelines(request: HttpRequest, annotator: Annotator) -> HttpResponse:
    """The project's guidelines on a page of their own, with what is new in them for this reader."""
    project = annotator.project
    context = {
        "project": project,
        "guidelines": render_document(project.guidelines),
        "changes": people.guideline_changes(annotator),
        "read": annotator.guidelines_read,
        "unread": annotator.guidelines_read < project.guideline_version,
    }
    return TemplateResponse(request, "annotation/guidelines.html", context)


@require_POST
@for_annotator
def guidelines_read(request: HttpRequest, annotator: Annotator) -> HttpResponse:
    """The annotator has read them, and goes on to the task."""
    version = request.POST.get("version", "")
    if version.isdecimal() and len(version) < 10:
        people.has_read_guidelines(annotator=annotator, version=int(version))
    return redirect("rank", slug=annotator.project.slug)


def _again(
    request: HttpRequest,
    assignment: Assignment,
    *,
    skip_form: SkipForm | None = None,
    flag_form: FlagForm | None = None,
) -> HttpResponse:
    """The same task, whatever its kind, with what was wrong; onwards where it is out of this annotator's hands."""
    gone = judging.gone(request, assignment)
    return gone or judging.page_of(request, assignment, status=422, skip_form=skip_form, flag_form=flag_form)


def _page(
    request: HttpRequest,
    assignment: Assignment,
    form: RankingForm,
    *,
    status: int = 200,
    skip_form: SkipForm | None = None,
    flag_form: FlagForm | None = None,
    revised: Ranking | None = None,
) -> HttpResponse:
    cards = shown.cards(assignment)
    context = {
        **judging.common(assignment, skip_form, flag_form),
        "cards": [(card, form.place_shown(card.letter)) for card in cards],
        "places": range(1, len(cards) + 1),
        "form": form,
        "revised": revised,
        "kind": "pair" if isinstance(form, PairForm) else "ranking",
    }
    template = "annotation/pair.html" if isinstance(form, PairForm) else "annotation/rank.html"
    return TemplateResponse(request, template, context, status=status)
