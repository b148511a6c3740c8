"""Writing an ideal answer, and reviewing what others wrote."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from annotation.collecting import demonstrating, progress, shown
from annotation.errors import BadRequest, ClaimsPaused, LeaseOver, NotAllowed
from annotation.forms.demonstration import DemonstrationDraftForm, DemonstrationForm, ReviewForm
from annotation.forms.ranking import FlagForm, SkipForm
from annotation.models import Annotator, Assignment, Demonstration, Task
from annotation.texts.markdown import render, written
from annotation.views import judging
from annotation.views.access import for_annotator, for_assignment


@judging.shows(Task.Kind.DEMONSTRATE)
def page(
    request: HttpRequest,
    assignment: Assignment,
    *,
    status: int = 200,
    skip_form: SkipForm | None = None,
    flag_form: FlagForm | None = None,
) -> HttpResponse:
    """The prompt, and the answer as far as it is written."""
    form = DemonstrationForm(assignment=assignment)
    return _page(request, assignment, form, status=status, skip_form=skip_form, flag_form=flag_form)


@require_POST
@for_assignment
def submit(request: HttpRequest, assignment: Assignment) -> HttpResponse:
    """Store the answer and go on; back with what was wrong, or where the task is gone."""
    form = DemonstrationForm(request.POST, assignment=assignment)

    def store() -> Demonstration:
        judgement = form.judgement()
        stored = demonstrating.submit.inside(
            assignment=assignment, annotator=assignment.annotator, **judgement
        )
        if not demonstrating.says_the_same(stored, text=judgement["text"]):
            judging.tell_which_stands(request)
        return stored

    return judging.submitted(request, assignment, form, store=store, page=_page, field="text")


@require_POST
@for_assignment
def draft(request: HttpRequest, assignment: Assignment) -> JsonResponse:
    """Renew the lease and keep the answer as far as it has come."""
    form = DemonstrationDraftForm(request.POST, assignment=assignment)
    return judging.keep_draft(request, assignment, form, Task.Kind.DEMONSTRATE)


@require_POST
@for_assignment
def preview(request: HttpRequest, assignment: Assignment) -> HttpResponse:
    """The answer as readers will see it: a fragment."""
    form = DemonstrationDraftForm(request.POST, assignment=assignment)
    if not form.is_valid():
        return HttpResponse(form.errors.as_text(), status=422, content_type="text/plain")
    return HttpResponse(render(form.cleaned_data["text"]))


def change(request: HttpRequest, annotator: Annotator, assignment: Assignment) -> HttpResponse:
    """What they wrote, to be changed; the new version supersedes it and is reviewed again."""
    stored = get_object_or_404(Demonstration.objects.current(), assignment=assignment)
    if request.method != "POST":
        draft = {"text": stored.text, "active_seconds": stored.active_seconds}
        form = DemonstrationForm(assignment=assignment, draft=draft)
        return _page(request, assignment, form, revised=stored)
    form = DemonstrationForm(request.POST, assignment=assignment)
    if form.is_valid():
        try:
            judging.refuse_other(request, stored.public_id)
            demonstrating.revise(demonstration=stored, annotator=annotator, **form.judgement())
        except (BadRequest, NotAllowed) as error:
            form.add_error("text", str(error))
        else:
            messages.success(request, "Your answer is changed.")
            return judging.go_on(request, annotator)
    return _page(request, assignment, form, status=422, revised=stored)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@for_annotator
def review(request: HttpRequest, annotator: Annotator) -> HttpResponse:
    """The oldest answer that waits for a second person; a POST decides on it and goes on."""
    if request.method != "POST":
        return _review_next(request, annotator)
    demonstration = _posted_demonstration(request, annotator)
    form = ReviewForm(request.POST)
    if not form.is_valid():
        return _review_page(request, annotator, demonstration, form, status=422)
    text, comment = form.cleaned_data["text"], form.cleaned_data["comment"]
    try:
        if form.cleaned_data["decision"] == "accept":
            demonstrating.accept(demonstration=demonstration, reviewer=annotator, text=text, comment=comment)
            messages.success(request, "Accepted.")
        else:
            demonstrating.send_back(demonstration=demonstration, reviewer=annotator, comment=comment)
            messages.success(request, "Sent back to its author with your comment.")
    except (LeaseOver, NotAllowed) as error:
        messages.warning(request, str(error))
    except BadRequest as error:
        demonstration.refresh_from_db()
        if demonstration.is_current and demonstration.review == Demonstration.Review.WAITING:
            form.add_error(None, str(error))
            return _review_page(request, annotator, demonstration, form, status=422)
        messages.warning(request, str(error))
    return redirect("review", slug=annotator.project.slug)


def _review_next(request: HttpRequest, annotator: Annotator) -> HttpResponse:
    try:
        demonstration = demonstrating.claim_review(reviewer=annotator)
    except ClaimsPaused as error:
        context = {"project": annotator.project, "progress": progress.of(annotator), "why": str(error)}
        return TemplateResponse(request, "annotation/paused.html", context)
    if demonstration is None:
        context = {"project": annotator.project, "progress": progress.of(annotator)}
        return TemplateResponse(request, "annotation/reviewed.html", context)
    return _review_page(request, annotator, demonstration, ReviewForm(initial={"text": demonstration.text}))


def _review_page(
    request: HttpRequest,
    annotator: Annotator,
    demonstration: Demonstration,
    form: ReviewForm,
    status: int = 200,
) -> HttpResponse:
    context = {
        "project": annotator.project,
        "progress": progress.of(annotator),
        "demonstration": demonstration,
        "turns": shown.turns(demonstration.prompt),
        "html": render(demonstration.text),
        "written": written(demonstration.text),
        "form": form,
        # A browser ends lines as forms do.
        "edits": (form["text"].value() or "").replace("\r\n", "\n") != demonstration.text,
        "history": demonstration.supersedes,
    }
    return TemplateResponse(request, "annotation/review.html", context, status=status)


def _posted_demonstration(request: HttpRequest, annotator: Annotator) -> Demonstration:
    """One of the project, by others: nobody learns of their own whether it is being reviewed."""
    try:
        public_id = UUID(request.POST.get("demonstration", ""))
    except ValueError as error:
        raise Http404 from error
    rows = Demonstration.objects.filter(project=annotator.project_id).exclude(author=annotator)
    return get_object_or_404(rows.select_related("prompt", "project"), public_id=public_id)


def _page(
    request: HttpRequest,
    assignment: Assignment,
    form: DemonstrationDraftForm,
    *,
    status: int = 200,
    skip_form: SkipForm | None = None,
    flag_form: FlagForm | None = None,
    revised: Demonstration | None = None,
) -> HttpResponse:
    context = {
        **judging.common(assignment, skip_form, flag_form),
        "form": form,
        "revised": revised,
        "kind": "demonstration",
        "least": assignment.project.demonstration_least_characters,
        "reviewed": assignment.project.review_demonstrations,
    }
    return TemplateResponse(request, "annotation/demonstrate.html", context, status=status)
