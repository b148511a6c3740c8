"""Two writes at the same moment, on two connections."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from django.db import connection, transaction

from tests.runs.conftest import wait_for
from tests.runs.slow_storage import in_thread


def beside(first: Callable[[], Any], second: Callable[[], Any]) -> Any:
    """What ``second`` gives, which begins while the transaction of ``first`` is open, and waits for its locks."""
    with ExitStack() as stack, transaction.atomic():
        first()
        results = stack.enter_context(in_thread(second))
        wait_for(somebody_waits)
    return results[0]


def somebody_waits() -> bool:
    """Whether a connection waits for a lock that another holds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])
