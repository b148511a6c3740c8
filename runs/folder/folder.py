"""One run's folder on disk."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runs.folder.errors import BadInput, FolderInUse
from runs.folder.files import read_json, write_json


@dataclass(frozen=True)
class RunFolder:
    """The paths of a run and its frozen config."""

    path: Path

    @property
    def config_file(self) -> Path:
        return self.path / "config.json"

    @property
    def inputs(self) -> Path:
        return self.path / "inputs"

    @property
    def output(self) -> Path:
        return self.path / "output"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint"

    @property
    def origin_file(self) -> Path:
        """What the checkpoint is of (lm.origin). Who changes the inputs removes it: then nothing goes on from there."""
        return self.checkpoint / "origin.json"

    @property
    def metrics_file(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def watched_file(self) -> Path:
        return self.path / "watched.jsonl"

    @property
    def progress_file(self) -> Path:
        return self.path / "progress.json"

    @property
    def device_file(self) -> Path:
        return self.path / "device.json"

    @property
    def failure_file(self) -> Path:
        return self.path / "failure.json"

    @property
    def log_file(self) -> Path:
        return self.path / "log.txt"

    def located(self, name: str) -> str:
        """What a config names: a folder inside this one, or else a folder elsewhere or a hub name, as it stands."""
        inside = self.path / name
        return str(inside) if name != "scratch" and inside.is_dir() else name

    def make(self) -> None:
        """Create the folder and its sub-folders; harmless when they exist."""
        for folder in (self.path, self.inputs, self.output, self.checkpoint):
            folder.mkdir(parents=True, exist_ok=True)

    def write_config(self, config: dict[str, Any]) -> None:
        """Freeze the config. Written last by whoever prepares a folder: its presence means prepared."""
        write_json(self.config_file, config)

    def read_config(self) -> dict[str, Any]:
        """The frozen config. Raises BadInput where the folder holds none."""
        if not self.config_file.is_file():
            raise BadInput(f"{self.path} holds no config.json: is it a run's folder?")
        try:
            config = read_json(self.config_file)
        except ValueError as error:
            raise BadInput(f"{self.config_file} is not JSON: {error}") from error
        if not isinstance(config, dict):
            raise BadInput(f"{self.config_file} must hold one JSON object")
        return config

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the folder's lock: one writer at a time. The kernel drops it with the process."""
        with (self.path / "lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise FolderInUse(f"another process writes {self.path}: wait for it, or end it") from None
            yield
