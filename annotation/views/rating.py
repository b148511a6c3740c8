"""The rating page: every completion of a task on the project's axes."""

from typing import cast
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_POST

from annotation.collecting import rating, shown
from annotation.errors import BadRequest
from annotation.forms.ranking import FlagForm, SkipForm
from annotation.forms.rating import RatingDraftForm, RatingForm
from annotation.models import Annotator, Assignment, Rating, Task
from annotation.views import judging
from annotation.views.access import for_assignment


@judging.shows(Task.Kind.RATE)
def page(
    request: HttpRequest,
    assignment: Assignment,
    *,
    status: int = 200,
    skip_form: SkipForm | None = None,
    flag_form: FlagForm | None = None,
) -> HttpResponse:
    """The completions with their scales, as far as they are rated."""
    form = RatingForm(assignment=assignment)
    return _page(request, assignment, form, status=status, skip_form=skip_form, flag_form=flag_form)


@require_POST
@for_assignment
def submit(request: HttpRequest, assignment: Assignment) -> HttpResponse:
    """Store the scores and go on; back with what was wrong if they are not whole, or the task is gone."""
    form = RatingForm(request.POST, assignment=assignment)

    def store() -> Rating:
        judgement = form.judgement()
        stored = rating.submit.inside(assignment=assignment, annotator=assignment.annotator, **judgement)
        first = stored[0]
        answered = cast("Assignment", first.assignment)  # as it was when this came (queue.answer_and_claim)
        again = answered.status == Assignment.Status.SUBMITTED
        if again and not rating.says_the_same(stored, judgement["scores"]):
            judging.tell_which_stands(request)
        return first

    return judging.submitted(request, assignment, form, store=store, page=_page)


@require_POST
@for_assignment
def draft(request: HttpRequest, assignment: Assignment) -> JsonResponse:
    """Renew the lease and keep the scores there are."""
    return judging.keep_draft(
        request, assignment, RatingDraftForm(request.POST, assignment=assignment), Task.Kind.RATE
    )


def change(request: HttpRequest, annotator: Annotator, assignment: Assignment) -> HttpResponse:
    """An answer of theirs, to be changed; only the scores that differ get a new version."""
    if request.method != "POST":
        draft = shown.scores_as_draft(assignment)
        return _page(request, assignment, RatingForm(assignment=assignment, draft=draft), revised=assignment)
    form = RatingForm(request.POST, assignment=assignment)
    if form.is_valid():
        try:
            judging.refuse_other(request, _newest_version(assignment))
            rating.revise(assignment=assignment, annotator=annotator, **form.judgement())
        except BadRequest as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "Your scores are changed.")
            return judging.go_on(request, annotator)
    return _page(request, assignment, form, status=422, revised=assignment)


def _newest_version(assignment: Assignment) -> UUID:
    """It changes with any of the scores."""
    return Rating.objects.current().filter(assignment=assignment).latest("pk").public_id


def _page(
    request: HttpRequest,
    assignment: Assignment,
    form: RatingDraftForm,
    *,
    status: int = 200,
    skip_form: SkipForm | None = None,
    flag_form: FlagForm | None = None,
    revised: Assignment | None = None,
) -> HttpResponse:
    cards = shown.cards(assignment)
    context = {
        **judging.common(assignment, skip_form, flag_form),
        "cards": [(card, form.rows(card.letter)) for card in cards],
        "form": form,
        "revised": revised,
        "revises": _newest_version(assignment) if revised else None,
        "kind": "rating",
    }
    return TemplateResponse(request, "annotation/rate.html", context, status=status)
