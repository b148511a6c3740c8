"""Changing what was submitted, while the project allows it: the rules of the page, for a front end of one's own."""

from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from annotation.api.answers import (
    DraftSerializer,
    JudgementSerializer,
    ScoresSerializer,
    TimedSerializer,
    WrittenSerializer,
)
from annotation.api.judging import AssignmentDetailSerializer, AssignmentEndpoint
from annotation.api.preconditions import tagged
from annotation.collecting import demonstrating, ranking, rating
from annotation.errors import BadRequest
from annotation.models import Annotator, Assignment, Task
from runs.writing import write

Shown = TypeVar("Shown", bound=Model)


class RevisedSerializer(DraftSerializer):
    """A whole judgement in the place of the one that stands, of whatever kind the task is."""


@extend_schema_view(post=extend_schema(request=RevisedSerializer, responses=AssignmentDetailSerializer))
class Revise(AssignmentEndpoint):
    """A judgement that was submitted."""

    conditional = True

    def post(self, request: Request, slug: str, id: UUID) -> Response:
        """Put another judgement in the place of the one that you submitted, which stays, superseded.

        While the project allows it, or once a reviewer has sent an answer back. The body is what submit/, rate/ or
        write/ takes. With the assignment's ETag as If-Match it is refused where you changed it meanwhile.
        """
        return tagged(self.shown_again(_revised(self, id)).data)


@write
def _revised(view: Revise, public_id: UUID) -> Assignment:
    """Locks the annotator's row, and the judgement's after what If-Match says was compared with it."""
    annotator, assignment = view.locked(public_id)
    if assignment.status != Assignment.Status.SUBMITTED:
        raise BadRequest("This is not submitted yet: there is nothing to change.")
    parse, revise = _KINDS[assignment.task.kind]
    revise(annotator, assignment, view.parsed(parse, assignment))
    return assignment


def _changeable(rows: "QuerySet[Shown]") -> Shown:
    """The one that may still be changed. Raises BadRequest."""
    row = rows.first()
    if row is None:
        raise BadRequest("This can no longer be changed: its time for that is over.")
    return row


def _rank(annotator: Annotator, assignment: Assignment, serializer: Any) -> None:
    stored = _changeable(ranking.revisable(annotator).filter(task=assignment.task_id))
    ranking.revise(ranking=stored, **serializer.judgement())


def _rate(annotator: Annotator, assignment: Assignment, serializer: Any) -> None:
    rated = _changeable(rating.revisable(annotator).filter(pk=assignment.pk))
    rating.revise(assignment=rated, annotator=annotator, **serializer.judgement())


def _write(annotator: Annotator, assignment: Assignment, serializer: Any) -> None:
    stored = _changeable(demonstrating.revisable(annotator).filter(assignment=assignment))
    demonstrating.revise(demonstration=stored, annotator=annotator, **serializer.judgement())


_KINDS: "dict[str, tuple[type[TimedSerializer], Any]]" = {
    Task.Kind.RANK: (JudgementSerializer, _rank),
    Task.Kind.RATE: (ScoresSerializer, _rate),
    Task.Kind.DEMONSTRATE: (WrittenSerializer, _write),
}
