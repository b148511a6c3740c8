"""How a kind's preparation, which a worker does itself and not a child, hears that it is to stop.

Whoever writes much calls ``check_stop`` between batches. Nothing of what was written until then is used: a folder
without a config is prepared anew.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from runs.folder.errors import Stopped

_is_asked: ContextVar[Callable[[], bool]] = ContextVar("is_asked", default=lambda: False)


@contextmanager
def stopped_by(is_asked: Callable[[], bool]) -> Iterator[None]:
    """While it lasts ``check_stop`` asks ``is_asked``, which may raise too."""
    token = _is_asked.set(is_asked)
    try:
        yield
    finally:
        _is_asked.reset(token)


def check_stop() -> None:
    """Raise Stopped once a stop is asked for; outside of a worker's preparation nobody asks for one."""
    if _is_asked.get()():
        raise Stopped("stopped while it was prepared")
