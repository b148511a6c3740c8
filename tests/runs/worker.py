"""The Celery app of a real worker that also knows the counting kind: ``celery -A tests.runs.worker worker``."""

import django

from config.celery import app

django.setup()

from runs import kinds  # noqa: E402 (needs the apps)
from tests.runs import counting_kind  # noqa: E402

kinds.register(counting_kind.KIND)

__all__ = ["app"]
