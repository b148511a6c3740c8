"""The web server as it runs for people: gunicorn, with several processes, on the tests' database."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlencode

import psutil
from django.conf import settings
from django.db import connection


@contextmanager
def web(*, workers: int = 1, **variables: str) -> Iterator[tuple[int, psutil.Process]]:
    """Its port, and its master. ``variables`` are of its environment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}"]
    options = [
        "--workers",
        str(workers),
        "--threads",
        "4",
        "--preload",
        "--no-control-socket",
        "--log-level",
        "critical",
    ]
    environment = {**os.environ, "DATABASE_URL": _address(), **variables}
    process = subprocess.Popen([*command, *options], cwd=settings.BASE_DIR, env=environment)
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
