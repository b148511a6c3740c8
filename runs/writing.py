"""How a function of the write path runs: in one transaction, and once more where Postgres gave it up.

Locks are taken in one order (annotation.locks), so two writers should never wait for each other in a circle. Where
they do all the same, Postgres ends one of them with nothing written; that one simply begins again, and nobody hears.
"""

import logging
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, Protocol, TypeVar, cast

from django.db import OperationalError, connection, transaction

logger = logging.getLogger("concord.writing")
Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")
# Whom the other one waited for would else have its rows again before that one has woken.
PAUSE_SECONDS = 0.1
# Deadlock detected; could not serialize access.
GIVEN_UP = {"40P01", "40001"}


class Written(Protocol[Arguments, Answer]):
    """A function of the write path. ``inside`` is the same without a savepoint of its own: for another function of the
    write path that writes nothing where this one fails."""

    inside: Callable[Arguments, Answer]
    __name__: str
    __qualname__: str

    def __call__(self, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer: ...


def write(function: Callable[Arguments, Answer]) -> Written[Arguments, Answer]:
    """``function`` in a transaction, tried again once after a deadlock.

    Inside of another transaction it is a part of that one, whose outermost function begins again. So it must not use
    its arguments up: no iterators.
    """
    atomic = transaction.atomic(function)

    @wraps(function)
    def written(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
        if connection.in_atomic_block:
            return atomic(*args, **kwargs)
        try:
            return atomic(*args, **kwargs)
        except OperationalError as error:
            if sqlstate(error) not in GIVEN_UP:
                raise
            logger.warning("%s begins again: %s", function.__qualname__, error)
        time.sleep(PAUSE_SECONDS)
        return atomic(*args, **kwargs)

    whole = cast("Written[Arguments, Answer]", written)
    whole.inside = function
    return whole


def sqlstate(error: BaseException) -> str | None:
    """Postgres' code of an error that Django has wrapped."""
    code = getattr(error.__cause__, "sqlstate", None)
    return code if isinstance(code, str) else None
