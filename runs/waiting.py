"""When a queued run is likely to begin: by what is at work, and by how long runs like those before it took lately."""

import heapq
import statistics
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings

from runs.models import Run

# Of a kind and variant, so many of the newest that succeeded, none older than this: data and settings change.
NEWEST = 20
LATELY = timedelta(days=30)


def at_work_beside(run: Run, now: datetime) -> list[Run]:
    """The runs of its queue that run, each of a worker that was heard of lately."""
    heard = now - timedelta(seconds=settings.RUN_STALE_SECONDS)
    return list(Run.objects.filter(queue=run.queue, status=Run.Status.RUNNING, heartbeat_at__gte=heard))


def expected_start(run: Run, at_work: Sequence[Run], now: datetime) -> datetime | None:
    """When a queued run begins; ``at_work`` are the runs of its queue that run, each of a worker of its own.

    A worker that is free takes the first that waits. None where nobody works, and where of any run that is at work or
    before it nothing is known.
    """
    before = Run.objects.filter(queue=run.queue, status=Run.Status.QUEUED, pk__lt=run.pk).order_by("pk")
    kinds = list(before.values_list("kind", "variant"))
    kinds_at_work = [(one.kind, one.variant) for one in at_work]
    durations = {kind: _usual_seconds(kind, run.queue, now) for kind in {*kinds, *kinds_at_work}}
    free = [
        _seconds_left(one, durations[kind], now) for one, kind in zip(at_work, kinds_at_work, strict=True)
    ]
    taken = [durations[kind] for kind in kinds]
    ends = [seconds for seconds in free if seconds is not None]
    if not ends or len(ends) < len(free):
        return None
    heapq.heapify(ends)
    for seconds in taken:
        if seconds is None:
            return None
        heapq.heapreplace(ends, ends[0] + seconds)
    return now + timedelta(seconds=ends[0])


def _seconds_left(run: Run, usual: float | None, now: datetime) -> float | None:
    """At its rate so far; before it has one, what is left of the usual."""
    left = run.seconds_left(now)
    if left is not None or usual is None or run.started_at is None or run.attempt > 1:
        return left
    rest = usual - (now - run.started_at).total_seconds()
    return rest if rest > 0 else None


def _usual_seconds(kind_and_variant: tuple[str, str], queue: str, now: datetime) -> float | None:
    """The median of those that were done in one attempt; of another, its last attempt alone is timed."""
    kind, variant = kind_and_variant
    done = Run.objects.filter(
        kind=kind,
        variant=variant,
        queue=queue,
        status=Run.Status.SUCCEEDED,
        attempt=1,
        finished_at__gte=now - LATELY,
    ).order_by("-id")[:NEWEST]
    times = done.values_list("started_at", "finished_at")
    seconds = [(end - begin).total_seconds() for begin, end in times if begin and end]
    return statistics.median(seconds) if seconds else None
