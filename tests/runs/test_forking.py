"""The process that forks children: what it becomes is what would have been started."""

import contextlib
import json
import os
import signal
import socket as sockets
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.conf import settings

from runs.folder import forking, starting
from runs.folder.starting import Forked, Process, start
from tests.runs.conftest import wait_for

pytestmark = pytest.mark.processes

TELL = "tests.runs.telling"
# Nothing that begins loads this by itself.
LOADED = "xml.dom.minidom"


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "forks"


@contextlib.contextmanager
def forks(socket: Path, *modules: str, **variables: str) -> Iterator["subprocess.Popen[bytes]"]:
    """One that has loaded ``modules`` and listens."""
    command = [sys.executable, "-m", "runs.folder.forking", str(socket), *modules]
    process = subprocess.Popen(command, cwd=settings.BASE_DIR, env={**os.environ, **variables})
    try:
        wait_for(socket.is_socket)
        yield process
    finally:
        process.kill()
        process.wait()


def child(
    socket: Path | None, output: Path, *words: str, keep: tuple[int, ...] = (), **variables: str
) -> Process:
    with output.open("wb") as file:
        return start(
            [sys.executable, "-m", TELL, *words],
            folder=settings.BASE_DIR,
            environment={**os.environ, **variables},
            output=file,
            keep=keep,
            forks=socket,
        )


def report_of(output: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(output.read_text().splitlines()[0])
    return report


def begun(output: Path) -> bool:
    return output.read_text().endswith("\n")


def test_a_fork_is_what_would_have_been_started(socket: Path, tmp_path: Path) -> None:
    reports = []
    with forks(socket, LOADED):
        for number, place in enumerate((None, socket)):
            read, write = os.pipe()
            os.write(write, b"words")
            output = tmp_path / str(number)
            process = child(place, output, "0", "two words", keep=(read,), KEPT=str(read), ONE="1", NONE="")
            assert process.wait(30) == 0
            assert isinstance(process, Forked) is (place is not None)
            os.close(read)
            os.close(write)
            reports.append(report_of(output))
    cold, forked = reports
    assert (cold.pop("loaded"), forked.pop("loaded")) == (False, True)
    assert cold["kept"] == "words"
    # A pipe has other numbers the second time.
    assert [report["environment"].pop("KEPT").isdigit() for report in reports] == [True, True]
    assert forked == cold


def test_a_socket_has_its_name_once_it_listens(socket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waited for its file alone was refused by a process that had not come to listening."""
    there = []
    listen = sockets.socket.listen

    def look(listener: sockets.socket) -> None:
        there.append(socket.exists())
        listen(listener)

    monkeypatch.setattr(sockets.socket, "listen", look)
    with contextlib.closing(forking._listen(socket)):
        assert socket.is_socket()
        assert stat.S_IMODE(socket.stat().st_mode) & 0o077 == 0
    with contextlib.closing(forking._listen(socket)):
        pass
    assert there == [False, True]  # the second time it is the one that was left behind
    assert [path.name for path in socket.parent.iterdir()] == [socket.name]


@pytest.mark.parametrize(("word", "code"), [("0", 0), ("3", 3), ("fail", 1)])
def test_its_exit_code_is_told(socket: Path, tmp_path: Path, word: str, code: int) -> None:
    with forks(socket):
        process = child(socket, tmp_path / "output", word)
        assert isinstance(process, Forked)
        assert process.wait(30) == code
        assert process.wait(0) == code
    assert ("RuntimeError: it was to fail" in (tmp_path / "output").read_text()) is (word == "fail")


def test_it_is_waited_for_and_a_signal_ends_it_at_any_moment(socket: Path, tmp_path: Path) -> None:
    with forks(socket):
        at_once = child(socket, tmp_path / "at once", "wait")
        os.killpg(at_once.pid, signal.SIGTERM)
        assert at_once.wait(30) == -signal.SIGTERM
        later = child(socket, tmp_path / "later", "wait")
        wait_for(lambda: begun(tmp_path / "later"))
        assert " ".join(psutil.Process(later.pid).cmdline()).strip() == f"python -m {TELL} wait"
        for seconds in (0, 0.01):
            with pytest.raises(subprocess.TimeoutExpired):
                later.wait(seconds)
        os.killpg(later.pid, signal.SIGKILL)
        assert later.wait(30) == -signal.SIGKILL


def test_what_libraries_read_when_they_are_loaded_makes_it_start_from_nothing(
    socket: Path, tmp_path: Path
) -> None:
    with forks(socket, OMP_NUM_THREADS="1"):
        other = child(socket, tmp_path / "other", "0", OMP_NUM_THREADS="2")
        same = child(socket, tmp_path / "same", "0", OMP_NUM_THREADS="1")
        assert (other.wait(30), same.wait(30)) == (0, 0)
        assert (isinstance(other, Forked), isinstance(same, Forked)) == (False, True)


def test_where_nobody_listens_it_starts_from_nothing(socket: Path, tmp_path: Path) -> None:
    with forks(socket) as killed:
        killed.kill()
        killed.wait()
    assert socket.exists()
    process = child(socket, tmp_path / "output", "0")
    assert not isinstance(process, Forked)
    assert process.wait(30) == 0


def test_children_of_a_killed_one_end(socket: Path, tmp_path: Path) -> None:
    with forks(socket) as killed:
        process = child(socket, tmp_path / "output", "wait")
        wait_for(lambda: begun(tmp_path / "output"))
        killed.kill()
        assert process.wait(30) == -signal.SIGKILL
        wait_for(lambda: not psutil.pid_exists(process.pid))


def test_told_to_leave_it_takes_no_more_and_waits_for_its_last_child(socket: Path, tmp_path: Path) -> None:
    with forks(socket) as leaving:
        last = child(socket, tmp_path / "last", "wait")
        assert isinstance(last, Forked)
        leaving.terminate()
        wait_for(lambda: not socket.exists())
        assert leaving.poll() is None
        os.killpg(last.pid, signal.SIGTERM)
        assert last.wait(30) == -signal.SIGTERM
        assert leaving.wait(30) == 0


def test_a_request_that_was_given_up_is_not_carried_out(
    socket: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "SECONDS_TO_FORK", 0.1)
    with forks(socket) as late:
        late.send_signal(signal.SIGSTOP)
        process = child(socket, tmp_path / "output", "wait")
        assert not isinstance(process, Forked)
        late.send_signal(signal.SIGCONT)
        monkeypatch.undo()
        after = child(socket, tmp_path / "after", "0")  # by then the one before has been looked at
        assert isinstance(after, Forked)
        assert after.wait(30) == 0
        assert psutil.Process(late.pid).children() == []
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
