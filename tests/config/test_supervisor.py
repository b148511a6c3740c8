"""How services of ``manage.py serve`` are kept alive; a whole one is started and killed in acceptance/test_faults."""

import contextlib
import functools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.conf import settings

from config.running.services import Service, services
from config.running.supervisor import Supervisor
from tests.launched import free_port, is_there, lives
from tests.runs.conftest import wait_for

pytestmark = pytest.mark.processes


def supervise(service: Service, logs: Path, say: Callable[[str], None], until: Callable[[], bool]) -> None:
    """Keep one service alive for a while."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    with Supervisor([service], logs=logs, server=None, say=say) as supervisor:
        supervisor.watch(until=until)
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_service_runs_where_concord_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative CONCORD_HOME is the same folder to all of them; and each gets what is only for it."""
    monkeypatch.chdir(tmp_path)
    script = "import os, time; open('told', 'w').write(os.getcwd() + os.environ['ONLY']); time.sleep(60)"
    written = tmp_path / "told"
    service = Service("one", [sys.executable, "-c", script], {"ONLY": " and this"})
    supervise(
        service, tmp_path / "logs", lambda words: None, lambda: written.exists() and bool(written.read_text())
    )
    assert written.read_text() == f"{tmp_path} and this"


SUPERVISOR = """
import sys
from pathlib import Path
import django
django.setup()
from config.running.services import Service
from config.running.supervisor import Supervisor
home, forked = Path(sys.argv[1]), sys.argv[2] == "forked"
held = (home / "running").open("w")
service = Service("told", [sys.executable, "-m", "tests.runs.telling", "wait"], {"ONLY": "this"}, forked=forked)
with Supervisor([service], logs=home, server=None, say=print) as supervisor:
    supervisor.watch()
"""


@contextlib.contextmanager
def supervised(home: Path, how: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A supervisor in a process of its own, which keeps one service alive that tells what it is."""
    home.mkdir()
    command = [sys.executable, "-c", SUPERVISOR, str(home), how]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    with subprocess.Popen(
        command, cwd=settings.BASE_DIR, env=environment, stdout=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def reports(home: Path) -> list[dict[str, Any]]:
    log = home / "told.log"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.mark.skipif(sys.platform != "linux", reason="services are forked on Linux")
def test_a_service_that_is_forked_is_what_would_have_been_started(tmp_path: Path) -> None:
    what_it_is = []
    for how in ("started", "forked"):
        with supervised(tmp_path / how, how) as process:
            wait_for(functools.partial(reports, tmp_path / how))
            (child,) = psutil.Process(process.pid).children()
            assert " ".join(child.cmdline()).strip().endswith("python -m tests.runs.telling wait")
            assert os.getsid(child.pid) == child.pid
            what_it_is.append(reports(tmp_path / how)[0])
            process.terminate()
            assert process.wait(30) == 0
            assert not lives(child)
    started, forked = what_it_is
    assert (started.pop("loaded"), forked.pop("loaded")) == (False, True)
    assert started["environment"]["ONLY"] == "this"
    assert forked == started


@pytest.mark.skipif(sys.platform != "linux", reason="services are forked on Linux")
def test_a_service_that_is_forked_is_there_again_and_does_not_outlive_its_supervisor(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with supervised(home, "forked") as process:
        wait_for(lambda: reports(home))
        (first,) = psutil.Process(process.pid).children()
        first.kill()
        wait_for(lambda: len(reports(home)) == 2)
        (second,) = psutil.Process(process.pid).children()
        process.kill()
        wait_for(lambda: not lives(second))


@pytest.mark.parametrize(("cores", "processes"), [(1, "2"), (2, "2"), (5, "5"), (64, "8")])
def test_the_web_has_a_process_a_core_within_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: int, processes: str
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(cores)))
    web, *_ = services(address="localhost:80", home=tmp_path)
    (place,) = (number for number, word in enumerate(web.command) if word == "--workers")
    assert web.command[place + 1] == processes


def test_web_processes_share_what_is_loaded_and_one_that_is_killed_is_there_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {0, 1})
    port = free_port()
    web, *_ = services(address=f"127.0.0.1:{port}", home=tmp_path)
    killed: list[psutil.Process] = []
    shares: list[float] = []

    def replaced() -> bool:
        workers = living_children(web)
        if len(workers) < 2 or not is_there(f"http://127.0.0.1:{port}/task-worker.js"):
            return False
        if not killed:
            shares.extend(memory.uss / memory.rss for memory in (one.memory_full_info() for one in workers))
            killed.append(workers[0])
            workers[0].kill()
        return killed[0] not in workers

    supervise(web, tmp_path / "logs", lambda words: None, replaced)
    # What is its own: a fifth, and four fifths where each loads all for itself.
    assert max(shares) < 0.5


def living_children(service: Service) -> list[psutil.Process]:
    """Of a process that a supervisor keeps alive."""
    assert service.process is not None
    return [child for child in psutil.Process(service.process.pid).children() if lives(child)]


def test_the_wait_before_a_restart_doubles(tmp_path: Path) -> None:
    failing = Service("failing", [sys.executable, "-c", "raise SystemExit(3)"])
    words: list[str] = []
    waits: list[float] = []

    def enough() -> bool:
        if len(words) > len(waits):
            waits.append(failing.wait)
        return len(waits) == 3

    supervise(failing, tmp_path, words.append, enough)
    assert waits == [1.0, 2.0, 4.0]
    assert "failing ended (3)" in words[0]
