"""``manage.py serve`` as a person starts it: real web server, workers, beat, scorer and Postgres."""

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from config.running.postgres import Server
from config.running.supervisor import Service, Supervisor
from tests.launched import Concord, free_port

pytestmark = [pytest.mark.processes, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """One for all starts: its database is made by the first."""
    with tempfile.TemporaryDirectory(prefix="concord-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def gone(processes: list[psutil.Process]) -> bool:
    return not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in processes)


def test_it_starts_everything_once_and_ctrl_c_ends_all_of_it(home: Path) -> None:
    concord = Concord(home, free_port(), CONCORD_FORKS=str(home / "forks")).ready()
    try:
        services = concord.services()
        assert set(services) == {"web", "gpu", "cpu", "quick", "webhooks", "beat", "scorer", "forks"}
        _refuse_a_second(concord, home)
        assert concord.answers()
        concord.wait_for((home / "forks").is_socket)
        everything = psutil.Process(concord.process.pid).children(recursive=True)
    finally:
        assert concord.end() == 0
    assert gone(everything)
    assert not Server(concord.home).answers()


def _refuse_a_second(concord: Concord, home: Path) -> None:
    again = Concord(home, free_port())
    assert again.process.wait(60) == 1
    again.end()
    assert again.has_printed(f"Concord runs already: http://localhost:{concord.port}")
    with tempfile.TemporaryDirectory(prefix="concord-") as other:
        taken = Concord(Path(other), concord.port)
        assert taken.process.wait(60) == 1
        taken.end()
        assert taken.has_printed(f"Port {concord.port}")
        assert not (Path(other) / "postgres").exists()


def test_what_is_killed_comes_back_and_a_killed_supervisor_takes_its_services_along(home: Path) -> None:
    """At an IPv6 address."""
    concord = Concord(home, free_port(), HOST="::1")
    try:
        concord.ready()
        assert concord.has_printed(f"http://[::1]:{concord.port}")
        _kill_some(concord)
        everything = psutil.Process(concord.process.pid).children(recursive=True)
        if sys.platform == "linux":  # the kernel's parent-death signal is Linux's
            concord.process.kill()
            concord.wait_for(lambda: gone(everything))
    finally:
        concord.end()
    # Postgres was left by the kill; the next start uses it, and stops it when it ends.
    again = Concord(home, concord.port).ready()
    assert again.end() == 0
    assert not Server(home).answers()


def _kill_some(concord: Concord) -> None:
    services = concord.services()
    services["web"].kill()
    services["quick"].kill()
    os.kill(concord.postmaster(), signal.SIGKILL)
    concord.wait_for(lambda: concord.has_printed("web ended") and concord.has_printed("worker-quick ended"))
    concord.wait_for(lambda: concord.has_printed("database had ended"))
    concord.wait_for(lambda: len(concord.services()) == 7 and concord.answers())


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
