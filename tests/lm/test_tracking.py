"""Figures at a tracker are those of metrics.jsonl, once each, however often a run was stopped; a service that fails
ends no training."""

import json
import struct
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from accelerate import tracking as services
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.summary.writer import event_file_writer

from lm.tracking import Tracker
from lm.training import Frame
from runs.folder.errors import BadInput, Stopped
from runs.folder.folder import RunFolder
from runs.folder.metrics import read_metrics
from runs.folder.stopping import StopSignal
from tests.lm.test_training import STEPS, Chase
from tests.stopping import StopAt

SETTINGS = {"learning_rate": 0.1, "base": "scratch", "lora": {"rank": 4, "targets": ["q", "v"]}, "seed": None}


@pytest.fixture(autouse=True)
def _files_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of one process and second are read in the order of the ends of their names: they get as many digits."""
    monkeypatch.setattr(event_file_writer, "_global_uid", event_file_writer.AtomicCounter(10))


def run(path: Path, service: str = "tensorboard", stop: StopSignal | None = None) -> None:
    """From its checkpoint where there is one; a checkpoint only at the end and at a stop."""
    folder = RunFolder(path)
    folder.make()
    follow = partial(Tracker, service, folder, SETTINGS)
    Frame(
        folder, StopSignal() if stop is None else stop, Chase(), checkpoint_seconds=1e9, follow=follow
    ).run()


def shown_by_tensorboard(path: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard shows of a run: by name, each step with its value."""
    events = EventAccumulator(str(path / "tensorboard"))
    events.Reload()
    names = events.Tags()["scalars"]
    return {name: [(one.step, one.value) for one in events.Scalars(name)] for name in names}


def written(path: Path) -> dict[str, list[tuple[int, float]]]:
    """The same of metrics.jsonl, as event files keep numbers."""
    figures: dict[str, list[tuple[int, float]]] = {}
    for line in read_metrics(RunFolder(path).metrics_file)[0]:
        for name, value in line.items():
            if name != "step" and value is not None:
                figures.setdefault(name, []).append(
                    (line["step"], struct.unpack("f", struct.pack("f", value))[0])
                )
    return figures


def test_tensorboard_shows_what_metrics_hold(tmp_path: Path) -> None:
    run(tmp_path / "7")
    shown = shown_by_tensorboard(tmp_path / "7")
    assert shown == written(tmp_path / "7")
    assert [step for step, _ in shown["loss"]] == list(range(1, STEPS + 1))
    assert [step for step, _ in shown["sum"]] == [3, 6]


@pytest.mark.parametrize("looks", [1, 5, 9, 12])
def test_a_run_that_goes_on_tells_each_step_once(looks: int, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        run(tmp_path / "7", stop=StopAt(looks))
    run(tmp_path / "7")
    assert shown_by_tensorboard(tmp_path / "7") == written(tmp_path / "7")
    run(tmp_path / "8")
    assert read_metrics(RunFolder(tmp_path / "7").metrics_file) == read_metrics(
        RunFolder(tmp_path / "8").metrics_file
    )


def test_what_was_told_after_the_last_checkpoint_is_taken_back(tmp_path: Path) -> None:
    """As of a run that was killed: the tracker heard of steps that are made again."""
    folder = RunFolder(tmp_path / "7")
    folder.make()
    early = Tracker("tensorboard", folder, SETTINGS, 0)
    for step in range(1, 5):
        early.tell(step, {"loss": -1.0})
    early.close()
    late = Tracker("tensorboard", folder, SETTINGS, 2)
    for step in range(3, 7):
        late.tell(step, {"loss": 1.0, "none": None})
    late.close()
    assert shown_by_tensorboard(tmp_path / "7") == {
        "loss": [(step, -1.0 if step < 3 else 1.0) for step in range(1, 7)]
    }


@pytest.mark.parametrize("service", ["wandb", "mlflow"])
def test_a_package_that_is_not_there_is_named_before_the_first_step(service: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=f"pip install {service}"):
        run(tmp_path / "7", service)
    assert not RunFolder(tmp_path / "7").metrics_file.exists()


class Heard(services.WandBTracker):  # type: ignore[misc]  # accelerate has no types
    """W&B's tracker of accelerate without its service."""

    trackers: "list[Heard]" = []

    def start(self) -> None:
        self.settings: dict[str, Any] = {}
        self.lines: list[tuple[int | None, dict[str, float]]] = []
        self.ended = False
        self.trackers.append(self)

    def store_init_configuration(self, values: Mapping[str, Any]) -> None:
        self.settings = dict(values)

    def log(self, values: dict[str, float], step: int | None = None, **kwargs: Any) -> None:
        self.lines.append((step, values))

    def finish(self) -> None:
        self.ended = True


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[Heard]:
    monkeypatch.setitem(sys.modules, "wandb", ModuleType("wandb"))
    monkeypatch.setattr(services, "WandBTracker", Heard)
    monkeypatch.setattr(Heard, "trackers", [])
    return Heard.trackers


def test_a_run_that_goes_on_is_the_same_run_at_the_service(heard: list[Heard], tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        run(tmp_path / "7", "wandb", StopAt(6))
    run(tmp_path / "7", "wandb")
    first, second = heard
    assert first.init_kwargs == second.init_kwargs
    assert first.init_kwargs["name"] == "run 7"
    assert first.settings == {
        "learning_rate": 0.1,
        "base": "scratch",
        "lora.rank": 4,
        "lora.targets": json.dumps(["q", "v"], separators=(",", ":")),
    }
    assert second.settings == {}
    assert [step for one in heard for step, _ in one.lines] == list(range(1, STEPS + 1))
    assert [one.ended for one in heard] == [True, True]
    # Another service in between takes nothing away.
    run(tmp_path / "7")
    run(tmp_path / "7", "wandb")
    assert (heard[-1].init_kwargs, heard[-1].settings) == (first.init_kwargs, {})
    run(tmp_path / "8", "wandb")
    assert heard[-1].init_kwargs["id"] != first.init_kwargs["id"]


def test_a_service_that_fails_ends_no_training(
    heard: list[Heard], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(self: Heard, values: dict[str, float], step: int | None = None, **kwargs: Any) -> None:
        self.lines.append((step, values))
        if step == 3:
            raise ConnectionError("nobody is there")

    monkeypatch.setattr(Heard, "log", fail)
    run(tmp_path / "7", "wandb")
    assert [step for step, _ in heard[0].lines] == [1, 2, 3]
    assert len(read_metrics(RunFolder(tmp_path / "7").metrics_file)[0]) == STEPS
    lines = capfd.readouterr().err.splitlines()
    assert lines.count("wandb hears no more of this run: nobody is there") == 1
