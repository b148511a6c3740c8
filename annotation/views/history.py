"""An annotator's recent work, and changing what may still be changed."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from annotation.collecting import history as work
from annotation.collecting import progress, ranking
from annotation.models import Annotator, Assignment, Task
from annotation.texts.durations import in_words
from annotation.views import demonstration, rating
from annotation.views import ranking as ranking_page
from annotation.views.access import for_annotator, for_visitor


@require_safe
@never_cache
@for_visitor
def history(request: HttpRequest, annotator: Annotator) -> HttpResponse:
    """The newest submissions, or those to whose prompts ``?q=`` leads; what a reviewer sent back comes first."""
    words = request.GET.get("q", "").replace("\0", "").strip()[:200]
    context = {
        "words": words,
        "revisable": in_words(3600 * annotator.project.revise_hours),
        "project": annotator.project,
        "progress": progress.of(annotator),
        "entries": work.recent(annotator, words) if annotator.pk else [],
        "most": work.MOST,
    }
    return TemplateResponse(request, "annotation/history.html", context)


@require_safe
@never_cache
@for_annotator
def last(request: HttpRequest, annotator: Annotator) -> HttpResponse:
    """On to the address of what they submitted last: it stays that of this one, whatever is judged meanwhile."""
    submission = work.last_changeable(annotator)
    if submission is None:
        messages.info(request, "There is nothing of yours that can still be changed.")
        return redirect("rank", slug=annotator.project.slug)
    return redirect("history_change", slug=annotator.project.slug, assignment=submission.public_id)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@for_annotator
def change(request: HttpRequest, annotator: Annotator, assignment: UUID) -> HttpResponse:
    """One of them on the page of its kind, to be changed."""
    rows = Assignment.objects.filter(annotator=annotator, status=Assignment.Status.SUBMITTED)
    submission = get_object_or_404(rows.select_related("task__prompt"), public_id=assignment)
    if request.method == "POST" and request.POST.get("assignment") != str(submission.public_id):
        raise Http404  # a form of another task, whose answers are to other cards
    if not work.may_change(annotator, submission):
        messages.info(request, "This can no longer be changed: its time for that is over.")
        return redirect("history", slug=annotator.project.slug)
    if submission.task.kind == Task.Kind.RATE:
        return rating.change(request, annotator, submission)
    if submission.task.kind == Task.Kind.DEMONSTRATE:
        return demonstration.change(request, annotator, submission)
    stored = ranking.revisable(annotator).get(task=submission.task_id)
    return ranking_page.change(request, annotator, submission, stored)
