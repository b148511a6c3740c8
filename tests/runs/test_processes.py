"""The launcher of several processes: all begin and end together, and the first says how it ended."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import psutil
import pytest

from runs.folder.child import LOST
from runs.folder.folder import RunFolder
from runs.folder.processes import command_of
from runs.folder.starting import Process
from tests.children import ranks_of, started
from tests.runs.conftest import wait_for

pytestmark = pytest.mark.processes


Launch = Callable[..., AbstractContextManager[Process]]


@pytest.fixture(params=["started", "forked"])
def launched(request: pytest.FixtureRequest) -> Launch:
    """As many processes as codes, once all have begun: each from nothing, or forked from the launcher."""
    launcher = "tests.runs.loaded_launcher" if request.param == "forked" else "runs.folder.processes"

    @contextlib.contextmanager
    def launch(marks: Path, *codes: str) -> Iterator[Process]:
        module = [launcher, str(len(codes)), "tests.runs.sleeper", str(marks), *codes]
        # What the tests fork from has torch: here it starts from nothing.
        variables = {"OMP_DISPLAY_ENV": "false"}
        with started([sys.executable, "-m", *module], marks.with_suffix(".log"), variables) as process:
            wait_for(lambda: len(list(marks.iterdir())) == len(codes))
            yield process

    return launch


def test_each_knows_its_number_and_how_many_they_are(
    launched: Launch, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with launched(tmp_path, "0", "0", "0") as process:
        assert process.wait(30) == 0
    begun = "3, with torch" if "forked" in request.node.name else "3, without torch"
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys("012", begun)


def test_the_first_ones_code_is_that_of_all_and_nobody_is_left(launched: Launch, tmp_path: Path) -> None:
    """All at once: whoever is left over is waited for some seconds before it is ended."""
    for name in ("done", "killed", "alone", "stopped"):
        (tmp_path / name).mkdir()
    with contextlib.ExitStack() as stack:
        done = stack.enter_context(launched(tmp_path / "done", "3", "-"))
        killed, alone, stopped = (
            stack.enter_context(launched(tmp_path / name, "-", "-"))
            for name in ("killed", "alone", "stopped")
        )
        ranks_of(killed)["0"].kill()
        ranks_of(alone)["1"].kill()  # the first does not see it
        os.kill(stopped.pid, signal.SIGTERM)  # the launcher alone, and not its group
        assert done.wait(30) == 3
        # What waits here takes the signal that asks it to stop as it comes.
        assert [process.wait(30) for process in (killed, alone, stopped)] == [LOST] * 3
        assert [name for name in ("done", "killed", "alone", "stopped") if _left(tmp_path / name)] == []


def test_a_runs_settings_say_how_many(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.make()
    for processes, launcher in ((1, []), (4, ["runs.folder.processes", "4"])):
        folder.write_config({"processes": processes})
        command = command_of("rltrainer.ppo", "train", folder)
        assert command == [sys.executable, "-m", *launcher, "rltrainer.ppo", "train", str(tmp_path)]


def _left(marks: Path) -> list[int]:
    """Processes that name the folder."""
    return [
        one.pid
        for one in psutil.process_iter(["cmdline"])
        # A fork's is one string.
        if f"-m tests.runs.sleeper {marks}" in " ".join(one.info["cmdline"] or [])
    ]
