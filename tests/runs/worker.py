"""The Celery app of a real worker that also knows the counting kind: ``celery -A tests.runs.worker worker``."""

import django

from config.celery import app

django.setup()

from runs import kinds  # noqa: E402 (needs the apps)
from tests.runs import counting_kind  # noqa: E402

kinds.register(counting_kind.KIND)
# Sweeps of runs alone: what else is due once a second here would keep a worker of three queues from ever being idle.
app.conf.beat_schedule = {"sweep-runs": app.conf.beat_schedule["sweep-runs"]}

__all__ = ["app"]
