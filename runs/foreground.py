"""A run in the foreground (``--here``): claimed by the command itself, with a progress bar on stderr."""

import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

from tqdm import tqdm

from runs import execution, lifecycle
from runs.errors import LeaseLost
from runs.folder.progress import Reading
from runs.folder.stopping import StopSignal
from runs.models import Run
from runs.writing import write


def run_here(create: Callable[[], Run]) -> Run:
    """Create a run, carry it out in this process and return its row as it ended.

    Creating and claiming are one transaction, so that no worker can take it. Ctrl+C writes a checkpoint
    and leaves the run queued.
    """
    run = write(lambda: lifecycle.claim(run_id=create().pk, worker=execution.worker_name()))()
    if run is None:
        raise LeaseLost("the run was cancelled before it began")
    stop = StopSignal()

    def ask(number: int, frame: FrameType | None) -> None:
        stop.ask()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        bar: tqdm[Any] = tqdm(total=0, unit="")
        with bar:
            return execution.execute(
                run=run, stopping=lambda: bool(stop), report=lambda reading: _draw(bar, reading)
            )
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _draw(bar: "tqdm[Any]", reading: Reading) -> None:
    bar.total = reading.total
    bar.n = reading.done
    bar.set_description(reading.doing)
