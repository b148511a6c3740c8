"""How services of ``manage.py serve`` are kept alive; a whole one is started and killed in acceptance/test_faults."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from config.running import supervisor
from config.running.supervisor import Service, Supervisor
from tests.launched import free_port, is_there, lives

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


@pytest.mark.parametrize(("cores", "processes"), [(1, "2"), (2, "2"), (5, "5"), (64, "8")])
def test_the_web_has_a_process_a_core_within_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: int, processes: str
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(cores)))
    web, *_ = supervisor.services(address="localhost:80", home=tmp_path)
    (place,) = (number for number, word in enumerate(web.command) if word == "--workers")
    assert web.command[place + 1] == processes


def test_web_processes_share_what_is_loaded_and_one_that_is_killed_is_there_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {0, 1})
    port = free_port()
    web, *_ = supervisor.services(address=f"127.0.0.1:{port}", home=tmp_path)
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
