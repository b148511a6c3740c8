"""How far an annotator is: what is left for them, and what they did. No ranks of people, only one's own figures."""

from typing import NamedTuple

from django.utils import timezone

from annotation import queue
from annotation.models import Annotator, Assignment, Ranking, Task

# Beyond it a page says "more than": counting to the end would grow with the project.
COUNTED = 1000


class Progress(NamedTuple):
    """One annotator's figures. ``left`` counts to COUNTED + 1 at most."""

    today: int
    in_all: int
    left: int
    in_other_hands: bool
    has_tasks: bool

    @property
    def counted(self) -> int:
        return COUNTED

    @property
    def more_than_counted(self) -> bool:
        return self.left > COUNTED


def of(annotator: Annotator) -> Progress:
    """Rankings of today (UTC) and in all, and tasks that wait for this annotator, the one in hand included."""
    rankings = Ranking.objects.current().filter(annotator=annotator)
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    own = Assignment.objects.open().filter(annotator=annotator).count()
    left = queue.claimable(annotator).order_by().values("task").distinct()[: COUNTED + 1].count() + own
    return Progress(
        today=rankings.filter(created_at__gte=midnight).count(),
        in_all=rankings.count(),
        left=left,
        in_other_hands=_in_other_hands(annotator),
        has_tasks=left > 0 or Task.objects.filter(project=annotator.project_id).exists(),
    )


def _in_other_hands(annotator: Annotator) -> bool:
    """Whether a task that somebody else holds now may still come back to this annotator."""
    seen = Assignment.objects.filter(
        annotator=annotator, status__in=[Assignment.Status.SUBMITTED, Assignment.Status.SKIPPED]
    )
    return (
        Assignment.objects.open()
        .filter(project=annotator.project_id)
        .exclude(annotator=annotator)
        .exclude(task__in=seen.values("task"))
        .exists()
    )
