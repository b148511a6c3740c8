"""Runs with a real child, and real Celery workers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from runs import kinds, lifecycle
from runs.models import Run
from tests.runs import counting_kind

STALE_SECONDS = 4


@pytest.fixture(autouse=True)
def _register() -> None:
    if counting_kind.NAME not in kinds._kinds:
        kinds.register(counting_kind.KIND)


@pytest.fixture(autouse=True)
def _homes(tmp_path: Path, settings: Any) -> None:
    settings.RUNS_DIR = tmp_path / "home" / "runs"
    settings.RUN_HEARTBEAT_SECONDS = 0.2


def make_run(**config: Any) -> Run:
    """A queued run that no message announces."""
    return Run.objects.create(
        kind=counting_kind.NAME, result={"config": {"steps": 5, "seconds": 0.0, **config}}
    )


def claimed(run: Run) -> Run:
    """``run`` in this process's hands."""
    running = lifecycle.claim(run_id=run.pk, worker="test")
    assert running is not None
    return running


def wait_for(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Poll until ``condition`` holds; fails after ``seconds``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError("waited in vain")


class Workers:
    """Real Celery workers of the queues cpu, gpu and quick, on the test's own database."""

    def __init__(self, home: Path) -> None:
        self._environment = {
            **os.environ,
            "DATABASE_URL": _database_url(),
            "CONCORD_HOME": str(home),
            "CONCORD_RUN_STALE_SECONDS": str(STALE_SECONDS),
            "CONCORD_SWEEP_SECONDS": "1",
        }
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """One more worker, or beat."""
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "tests.runs.worker", "--skip-checks", *arguments],
            cwd=settings.BASE_DIR,
            env=self._environment,
            stdin=subprocess.DEVNULL,
        )
        self.processes.append(process)
        return process

    def worker(self, queues: str = "cpu,gpu", name: str = "w") -> "subprocess.Popen[bytes]":
        """A worker with the flags that the supervisor uses."""
        flags = ["--pool", "solo", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        return self.start("worker", "-Q", queues, *flags, "-n", f"{name}@test", "-l", "WARNING")

    def end(self) -> None:
        """End all of them, gently first."""
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _database_url() -> str:
    values = connection.settings_dict
    host, port = values["HOST"], values["PORT"]
    return f"postgres://{values['USER']}@/{values['NAME']}?host={host}&port={port or 5432}"


@pytest.fixture
def workers(tmp_path: Path, transactional_db: None) -> Iterator[Workers]:
    """Start workers with it; none outlives the test."""
    group = Workers(tmp_path / "home")
    yield group
    group.end()
