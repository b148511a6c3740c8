"""Resident scorers as real processes on the test's own database."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from runs.folder.starting import Process
from runs.resident import asking
from tests.children import started
from tests.runs.conftest import _database_url, wait_for


@contextmanager
def scorers(home: Path) -> Iterator[Callable[[], Process]]:
    """What starts one that finds its artifacts in ``home``; all end with the block."""
    # manage.py scorer, as a module, so that it can be forked.
    command = [sys.executable, "-m", "django", "scorer"]
    variables = {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": _database_url(),
        "CONCORD_HOME": str(home),
    }
    with ExitStack() as stack:

        def begin() -> Process:
            process = stack.enter_context(started(command, variables=variables))
            wait_for(asking.is_running)
            return process

        yield begin
