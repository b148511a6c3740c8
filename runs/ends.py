"""Who hears that a run has ended; ``runs`` itself knows nobody who does."""

import logging
from collections.abc import Callable

from django.db import transaction

from runs.models import Run

logger = logging.getLogger("concord.runs")

Listener = Callable[[Run], None]
_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """Call ``listener`` with each run that ends, in the transaction of its end. From an app's ``ready``."""
    if listener not in _listeners:
        _listeners.append(listener)


def tell(run: Run) -> None:
    """``run`` has just succeeded, failed or been cancelled, in the transaction that is open.

    What a listener cannot do is logged: a run ends whoever hears of it.
    """
    for listener in _listeners:
        try:
            with transaction.atomic():
                listener(run)
        except Exception:
            logger.exception("the end of run %s could not be told", run.pk)
