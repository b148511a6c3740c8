"""A training's figures told to TensorBoard, Weights & Biases or MLflow as well: the setting ``tracker`` names one.

metrics.jsonl is the record; a tracker hears of each of its lines. accelerate's trackers speak to the services, each of
which has its own package and is told where to write by its own environment variables. A run that goes on goes on there
too: what it is known by there is kept in tracker.json. A service that fails later ends no training: that is said once
on the run's log, and it hears no more.
"""

import importlib
import secrets
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from runs.folder.errors import BadInput
from runs.folder.files import read_json, write_json
from runs.folder.folder import RunFolder

# What the services call all runs together.
PROJECT = "concord"


class Tracker:
    """One run at one service."""

    def __init__(self, service: str, folder: RunFolder, settings: Mapping[str, Any], step: int) -> None:
        """Begin, or go on after ``step`` steps. Raises BadInput where the service cannot be used."""
        self._service = service
        try:
            importlib.import_module(service)  # each has a package of its own name
        except ImportError as error:
            raise BadInput(
                f"tracker: {service} needs a package that is not here: pip install {service}"
            ) from error
        try:
            self._there: Any
            self._there, is_new = _opened(service, folder, step)
            if is_new:
                self._there.store_init_configuration(dict(_flat(settings)))
        except Exception as error:  # of the service's library, each of which has its own
            raise BadInput(f"tracker: {service} cannot be used: {error}") from error

    def tell(self, step: int, figures: Mapping[str, float | None]) -> None:
        """The figures of one step; those that there are not are left out."""
        self._try("log", {name: value for name, value in figures.items() if value is not None}, step=step)

    def close(self) -> None:
        """Nothing follows."""
        self._try("finish")

    def _try(self, doing: str, *args: Any, **kwargs: Any) -> None:
        if self._there is None:
            return
        try:
            getattr(self._there, doing)(*args, **kwargs)
        except Exception as error:  # likewise
            self._there = None
            print(f"{self._service} hears no more of this run: {error}", file=sys.stderr, flush=True)  # noqa: T201


def _opened(service: str, folder: RunFolder, step: int) -> tuple[Any, bool]:
    """accelerate's tracker, begun, and whether this run is new there."""
    from accelerate import PartialState, tracking

    PartialState(cpu=True)  # which accelerate's log asks who speaks; it moves nothing to a device
    file = folder.path / "tracker.json"
    all_known = read_json(file) if file.exists() else {}
    is_new, known = service not in all_known, all_known.get(service)
    name = f"run {folder.path.name}"
    there: Any
    if service == "tensorboard":
        # Into the run's folder, so that `tensorboard --logdir` of all folders shows all runs; what a run that was
        # killed had told after its checkpoint is taken back.
        there = tracking.TensorBoardTracker("tensorboard", logging_dir=folder.path, purge_step=step + 1)
    elif service == "wandb":
        known = known or secrets.token_hex(8)
        there = tracking.WandBTracker(PROJECT, id=known, name=name, dir=folder.path, resume="allow")
    else:
        there = tracking.MLflowTracker(experiment_name=PROJECT, run_id=known, run_name=name)
    there.main_process_only = False  # main alone is here, and need not find out
    there.start()
    if service == "mlflow":
        known = there.tracker.info.run_id
    write_json(file, {**all_known, service: known})
    return there, is_new


def _flat(settings: Mapping[str, Any], under: str = "") -> Iterator[tuple[str, Any]]:
    """Settings by dotted names; lists as JSON."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{under}{name}.")
        elif value is not None:
            plain = isinstance(value, bool | int | float | str)
            yield under + name, value if plain else orjson.dumps(value).decode()
