"""The child's side of a run: what it writes is whole or absent."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch

from rewardmodel.bradley_terry.config import FitConfig
from rltrainer.policy.config import SftConfig
from rltrainer.ppo.config import PpoConfig
from runs.folder.checkpoint import NAME, load_checkpoint, save_checkpoint
from runs.folder.child import DONE, FAILED, STOPPED, exit_code, reason, run_child
from runs.folder.errors import BadInput, FolderInUse, Stopped
from runs.folder.files import folder_digest, read_json, write_json
from runs.folder.folder import RunFolder
from runs.folder.metrics import Metrics, read_metrics
from runs.folder.progress import Progress, read_progress
from runs.folder.stopping import StopSignal


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    run_folder = RunFolder(tmp_path / "run")
    run_folder.make()
    return run_folder


@pytest.fixture(autouse=True)
def _signals() -> object:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_metrics_are_cut_to_the_checkpoint_and_a_torn_line_is_dropped(folder: RunFolder) -> None:
    metrics = Metrics(folder.metrics_file)
    for step in range(1, 6):
        metrics.append(step, loss=step / 2)
    with folder.metrics_file.open("a") as file:
        file.write('{"step": 6, "lo')
    metrics.cut_after(3)
    lines, _ = read_metrics(folder.metrics_file)
    assert lines == [{"step": 1, "loss": 0.5}, {"step": 2, "loss": 1.0}, {"step": 3, "loss": 1.5}]


def test_metrics_are_read_by_whole_lines_from_an_offset(folder: RunFolder) -> None:
    metrics = Metrics(folder.metrics_file)
    metrics.append(1, loss=1.0)
    first, offset = read_metrics(folder.metrics_file)
    with folder.metrics_file.open("a") as file:
        file.write('{"step": 2')
    assert read_metrics(folder.metrics_file, offset) == ([], offset)
    with folder.metrics_file.open("a") as file:
        file.write("}\n")
    assert [line["step"] for line in first] == [1]
    assert read_metrics(folder.metrics_file, offset)[0] == [{"step": 2}]


def test_a_figure_that_is_not_finite_is_null(folder: RunFolder) -> None:
    Metrics(folder.metrics_file).append(1, loss=float("nan"), gap=float("inf"))
    assert json.loads(folder.metrics_file.read_text()) == {"step": 1, "loss": None, "gap": None}


def test_progress_is_written_at_most_twice_a_second_but_always_at_the_end(folder: RunFolder) -> None:
    now = [0.0]
    progress = Progress(folder.progress_file, every=0.5, clock=lambda: now[0])
    shown = []
    for seconds, done, total, doing in (
        (0.0, 1, 10, "fitting"),
        (0.0, 2, 10, "fitting"),
        (0.6, 3, 10, "fitting"),
        (0.6, 10, 10, "fitting"),
        (0.6, 0, 5, "evaluating"),
    ):
        now[0] = seconds
        progress.report(done, total, doing)
        reading = read_progress(folder.progress_file)
        assert reading is not None
        shown.append(reading[:3])
    assert shown == [(1, 10, "fitting")] * 2 + [(3, 10, "fitting"), (10, 10, "fitting"), (0, 5, "evaluating")]


def test_what_is_left_takes_as_long_as_this_process_took_for_as_much(folder: RunFolder) -> None:
    now = [0.0]
    progress = Progress(folder.progress_file, every=0.0, clock=lambda: now[0])

    def seconds_left(at: float, done: int, total: int, doing: str = "epoch 1") -> float | None:
        now[0] = at
        progress.report(done, total, doing)
        reading = read_progress(folder.progress_file)
        assert reading is not None
        return None if reading.expected_end is None else reading.expected_end - time.time()

    def about(seconds: float) -> Any:
        return pytest.approx(seconds, abs=1)  # what passes between the two readings of the clock

    assert seconds_left(0, 400, 1000) is None, "what the checkpoint had done says nothing of this machine"
    assert seconds_left(100, 400, 1000) is None, "loading is over"
    assert seconds_left(110, 410, 1000) == about(590)
    assert seconds_left(310, 600, 1000, "epoch 2") == about(420), "the rate of all epochs of this process"
    assert seconds_left(320, 0, 50, "measuring") is None, "another total is another rate"
    assert seconds_left(330, 10, 50, "measuring") == about(40)


def test_checkpoint_comes_back_bit_for_bit(folder: RunFolder) -> None:
    tensors = {"w": torch.randn(3, 4), "m": torch.randn(2).double(), "n": torch.tensor(7)}
    save_checkpoint(folder.checkpoint, step=12, tensors=tensors, state={"epoch": 2, "order": [3, 1]})
    loaded = load_checkpoint(folder.checkpoint)
    assert loaded is not None
    assert (loaded.step, loaded.state) == (12, {"epoch": 2, "order": [3, 1]})
    assert all(torch.equal(loaded.tensors[name], value) for name, value in tensors.items())


def test_a_checkpoint_cut_short_by_a_kill_leaves_the_older_one(folder: RunFolder) -> None:
    save_checkpoint(folder.checkpoint, step=1, tensors={"w": torch.ones(2)}, state={})
    (folder.checkpoint / f".{NAME}").write_bytes(b"half a file")
    loaded = load_checkpoint(folder.checkpoint)
    assert loaded is not None
    assert loaded.step == 1


def test_no_checkpoint_is_none(folder: RunFolder) -> None:
    assert load_checkpoint(folder.checkpoint) is None


def test_json_is_replaced_whole_and_refuses_nan(folder: RunFolder) -> None:
    path = folder.path / "x.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError):
        write_json(path, {"a": float("nan")})
    assert read_json(path) == {"a": 1}
    assert [file.name for file in folder.path.glob("*x.json*")] == ["x.json"]


def test_equal_folders_have_equal_digests_and_a_name_counts(tmp_path: Path) -> None:
    for name, file in (("a", "x"), ("b", "x"), ("c", "y")):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / file).write_text("same")
    digests = [folder_digest(tmp_path / name) for name in "abc"]
    assert digests[0] == digests[1] != digests[2]


def test_config_that_is_no_object_is_bad_input(folder: RunFolder) -> None:
    folder.config_file.write_text("[1]")
    with pytest.raises(BadInput, match="one JSON object"):
        folder.read_config()
    folder.config_file.write_text("{")
    with pytest.raises(BadInput, match="not JSON"):
        folder.read_config()
    folder.config_file.unlink()
    with pytest.raises(BadInput, match=r"no config\.json"):
        folder.read_config()


def test_a_second_writer_is_refused(folder: RunFolder) -> None:
    script = (
        "import sys; from pathlib import Path; from runs.folder.folder import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])).writing(): pass"
    )
    command = [sys.executable, "-c", script, str(folder.path)]
    with folder.writing():
        while_written = subprocess.run(command, capture_output=True, text=True, check=False)
    free = subprocess.run(command, capture_output=True, text=True, check=False)
    assert FolderInUse.__name__ in while_written.stderr
    assert free.returncode == 0


def test_exit_codes_say_how_a_child_ended(folder: RunFolder) -> None:
    def fails(*_: object) -> None:
        raise BadInput("no prompts")

    def stops(*_: object) -> None:
        raise Stopped

    assert run_child(folder.path, lambda *_: None) == DONE
    assert run_child(folder.path, stops) == STOPPED
    assert run_child(folder.path, fails) == FAILED
    assert read_json(folder.failure_file) == {"error": "BadInput", "reason": "no prompts"}
    assert run_child(folder.path, lambda *_: None) == DONE
    assert not folder.failure_file.exists()


@pytest.mark.parametrize("code", [None, 0, 3, "words", ""])
def test_an_end_means_what_python_makes_of_it(
    code: int | str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    python = subprocess.run(
        [sys.executable, "-c", f"raise SystemExit({code!r})"], capture_output=True, text=True, check=False
    )
    assert (exit_code(SystemExit(code)), capsys.readouterr().err) == (python.returncode, python.stderr)


def test_a_stop_while_it_loads_is_heard_at_once_also_where_every_error_is_taken_for_an_answer(
    folder: RunFolder,
) -> None:
    passed = []

    def loads(folder: RunFolder, stop: StopSignal) -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        except Exception as error:
            raise BadInput("this base cannot be used") from error
        passed.append("loaded")

    assert run_child(folder.path, loads) == STOPPED
    assert passed == []
    assert not folder.failure_file.exists()


@pytest.mark.parametrize("begin", [StopSignal.loaded, bool], ids=["it says so", "it looks"])
def test_a_stop_after_loading_waits_until_it_is_looked_for(
    folder: RunFolder, begin: Callable[[StopSignal], object]
) -> None:
    passed = []

    def trains(folder: RunFolder, stop: StopSignal) -> None:
        begin(stop)
        signal.raise_signal(signal.SIGTERM)
        passed.append("checkpoint")
        stop.check()
        passed.append("next step")

    assert run_child(folder.path, trains) == STOPPED
    assert passed == ["checkpoint"]


def test_a_stop_is_heard_at_once_while_something_is_loaded_later_on(folder: RunFolder) -> None:
    passed = []

    def evaluates(folder: RunFolder, stop: StopSignal) -> None:
        with stop.at_once():
            passed.append("first")
        signal.raise_signal(signal.SIGTERM)
        passed.append("measured")
        with stop.at_once():
            passed.append("second")

    def is_told_while_it_loads(folder: RunFolder, stop: StopSignal) -> None:
        stop.check()
        with stop.at_once():
            signal.raise_signal(signal.SIGTERM)
            passed.append("third")

    assert run_child(folder.path, evaluates) == STOPPED

    def looks_while_it_reports(folder: RunFolder, stop: StopSignal) -> None:
        with stop.at_once():
            with stop.at_once():
                stop.check()
            stop.check()
            signal.raise_signal(signal.SIGTERM)
            passed.append("fourth")

    assert run_child(folder.path, is_told_while_it_loads) == STOPPED
    assert run_child(folder.path, looks_while_it_reports) == STOPPED
    assert passed == ["first", "measured"]


def test_a_stop_when_it_is_done_changes_nothing(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second process of a training, and one that never looks."""
    monkeypatch.setenv("RANK", "1")
    assert run_child(folder.path, lambda *_: signal.raise_signal(signal.SIGTERM)) == DONE
    monkeypatch.delenv("RANK")
    assert run_child(folder.path, lambda *_: None) == DONE
    signal.raise_signal(signal.SIGTERM)


def test_a_process_ends_before_what_an_interpreter_does_at_its_end() -> None:
    """Where a signal would kill it, or a thread that is left over abort it."""
    script = (
        "import atexit, os; from runs.folder.child import STOPPED, leave\n"
        "atexit.register(os.abort)\nprint('last words')\nleave(STOPPED)"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (STOPPED, "last words\n")


def test_a_signal_within_a_signal_waits_for_nothing() -> None:
    """A second SIGTERM at every line that the first one's handler runs, as a first process may get two at once."""
    script = """
import signal, sys
from runs.folder.stopping import StopSignal

def again(frame, event, argument):
    if event == "line" and len(seen) < 50:
        seen.append(frame.f_lineno)
        signal.raise_signal(signal.SIGTERM)
    return again

seen, stop = [], StopSignal()
stop.listen()
sys.settrace(again)
signal.raise_signal(signal.SIGTERM)
sys.settrace(None)
print(bool(stop), len(seen) > 1)
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert (ended.stdout, ended.stderr) == ("True True\n", "")


def test_cuda_out_of_memory_says_what_to_do() -> None:
    assert "ran out of memory. Lower micro_batch_tokens" in reason(
        torch.cuda.OutOfMemoryError("CUDA out of memory")
    )
    assert "ran out of memory. Lower micro_batch_tokens" in reason(MemoryError())
    # What is to be changed is called as the settings are
    settings = {field.name for config in (FitConfig, SftConfig, PpoConfig) for field in fields(config)}
    advice = reason(torch.cuda.OutOfMemoryError("CUDA out of memory"))
    assert {word.strip("(),.") for word in advice.split() if "_" in word} <= settings
