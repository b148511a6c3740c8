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
    """Rankings of today (UTC) and in all, and tasks that wait for this annotator, the one in hand included.

    Rankings of gold tasks and repeats are work like any other, so they count as done; as left they do not.
    """
    rankings = Ranking.objects.current().filter(annotator=annotator)
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    held = list(Assignment.objects.open().filter(annotator=annotator).values_list("task__purpose", flat=True))
    left = queue.claimable(annotator).order_by().values("task").distinct()[: COUNTED + 1].count()
    # A gold task or a repeat in hand is not counted, and yet it never shows as "nothing left".
    left = max(left + held.count(Task.Purpose.COLLECT), min(len(held), 1))
    return Progress(
        today=rankings.filter(created_at__gte=midnight).count(),
        in_all=rankings.count(),
        left=left,
        in_other_hands=_in_other_hands(annotator),
        has_tasks=left > 0 or Task.objects.collected().filter(project=annotator.project_id).exists(),
    )


def _in_other_hands(annotator: Annotator) -> bool:
    """Whether a task that somebody else holds now may still come back to this annotator."""
    seen = Assignment.objects.filter(
        annotator=annotator, status__in=[Assignment.Status.SUBMITTED, Assignment.Status.SKIPPED]
    )
    return (
        Assignment.objects.open()
        .filter(project=annotator.project_id, task__purpose=Task.Purpose.COLLECT)
        .exclude(annotator=annotator)
        .exclude(task__in=seen.values("task"))
        .exists()
    )
