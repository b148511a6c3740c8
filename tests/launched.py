"""A whole Concord, started as a person starts it: ``manage.py serve``, or ``demo``, in a home of its own."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_there(url: str) -> bool:
    """Whether a page is, within five seconds."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, http.client.HTTPException):
        return False


def lives(process: psutil.Process) -> bool:
    """Whether it is at work still. It may end between two questions."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


class Concord:
    """One start of ``manage.py serve`` in a home of its own, and without a process that forks unless one is named.

    ``command`` is ``demo`` for one with the demo project.
    """

    def __init__(self, home: Path, port: int, *, command: str = "serve", **variables: str) -> None:
        self.home, self.port, self.lines = home, port, list[str]()
        host = variables.get("HOST", "127.0.0.1")
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
        self.environment = {**environment, "CONCORD_HOME": str(home), "CONCORD_FORKS": "none", **variables}
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", command, "--port", str(port)],
            cwd=settings.BASE_DIR,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            self.lines.extend(lines)

    def has_printed(self, words: str) -> bool:
        return any(words in line for line in list(self.lines))

    def wait_for(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.lines
            time.sleep(0.1)

    def ready(self) -> "Concord":
        self.wait_for(lambda: self.has_printed("ready") or self.process.poll() is not None)
        assert self.process.poll() is None, self.lines
        return self

    def services(self) -> dict[str, psutil.Process]:
        """The processes right under the supervisor, by a word of their command."""
        words = {
            "gunicorn": "web",
            "gpu@": "gpu",
            "cpu@": "cpu",
            "quick@": "quick",
            "webhooks@": "webhooks",
            "beat": "beat",
            "scorer": "scorer",
            "runs.folder.forking": "forks",
        }
        by_name = {}
        for process in psutil.Process(self.process.pid).children():
            command = " ".join(process.cmdline())
            for word, name in words.items():
                if word in command:
                    by_name[name] = process
        return by_name

    def answers(self) -> bool:
        """Whether its log-in page is there within five seconds."""
        return is_there(f"{self.url}/login/")

    def end(self, number: int = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(60)
        self._reader.join()
        return status

    def manage(self, *arguments: str) -> dict[str, Any]:
        """Run a command beside it; returns its JSON object."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=settings.BASE_DIR,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def postmaster(self) -> int:
        """The embedded server's process."""
        return int((self.home / "postgres/data/postmaster.pid").read_text().splitlines()[0])

    def address(self) -> str:
        """Where its database is, for psycopg."""
        return f"host={self.home}/postgres port=5432 user=concord dbname=concord"
