"""The web server as the supervisor starts it, with so many processes as a test wants, on the tests' database."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlencode

import psutil
from django.conf import settings
from django.db import connection

from config.running.services import services
from tests.launched import free_port


@contextmanager
def web(*, workers: int = 1, **variables: str) -> Iterator[tuple[int, psutil.Process]]:
    """Its port, and its master. ``variables`` are of its environment."""
    port = free_port()
    service = services(address=f"127.0.0.1:{port}", home=settings.HOME)[0]
    # gunicorn takes the last of what is said twice.
    options = ["--workers", str(workers), "--access-logfile", os.devnull, "--log-level", "critical"]
    environment = {**os.environ, "DATABASE_URL": _address(), **variables}
    process = subprocess.Popen([*service.command, *options], cwd=settings.BASE_DIR, env=environment)
    try:
        yield port, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def _address() -> str:
    """The tests' database as DATABASE_URL."""
    settings = connection.settings_dict
    words = {"host": settings["HOST"], "port": settings["PORT"]}
    options = urlencode({name: value for name, value in words.items() if value})
    user = ":".join(quote(settings[name]) for name in ("USER", "PASSWORD") if settings[name])
    return f"postgres://{user}@/{settings['NAME']}?{options}"
