"""The life of a whole Concord as a person starts it: every process of it is killed, in the middle of a fit too; the fit
ends in the weights of one left alone, what was killed comes back, and what ends leaves nothing behind.

One start is followed through all of it, because a start takes as much of a processor as a fit.
"""

import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from config.running.postgres import Server
from runs.folder.files import file_digest
from tests.launched import Concord, free_port, lives

pytestmark = [pytest.mark.processes, pytest.mark.timeout(280)]

WORDS = ["river", "stone", "apple", "cloud", "window", "garden", "silver", "morning", "letter", "market"]
# Small, and long enough to be killed in the middle; a checkpoint a second is what it goes on from.
CONFIG = {
    "hidden": 32,
    "layers": 2,
    "heads": 2,
    "vocabulary": 300,
    "epochs": 40,
    "checkpoint_seconds": 0.5,
    "threads": 1,
}


@pytest.fixture
def concord() -> Iterator[Concord]:
    """At an IPv6 address, in a folder whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as name:
        home = Path(name)
        started = Concord(
            home,
            free_port(),
            HOST="::1",
            CONCORD_RUN_STALE_SECONDS="8",
            CONCORD_SWEEP_SECONDS="1",
            CONCORD_FORKS=str(home / "forks"),
        ).ready()
        try:
            yield started
        finally:
            started.end()


def import_rankings(concord: Concord) -> None:
    """Into a new project, with the config of its fits beside them."""
    file = concord.home / "rankings.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in rankings()))
    (concord.home / "config.json").write_text(json.dumps(CONFIG))
    concord.manage("create_project", "words")
    concord.manage("import_jsonl", str(file), "--project", "words", "--kind", "rankings")


def rankings() -> Iterator[dict[str, Any]]:
    """The longer text wins."""
    rng = random.Random(4)
    for number in range(150):
        texts = [" ".join(rng.sample(WORDS, count)) for count in (3, 6, 9)]
        completions = [{"text": text, "rank": rank} for text, rank in zip(texts, (3, 2, 1), strict=True)]
        yield {"prompt": f"Write words, number {number}.", "completions": completions}


def start_fit(concord: Concord) -> int:
    run: int = concord.manage(
        "fit_reward_model", "--project", "words", "--config", str(concord.home / "config.json")
    )["run"]
    return run


def row(concord: Concord, run: int) -> tuple[Any, ...]:
    """(status, attempt, public id, reason, step) of a run, as soon as the database can say."""
    query = "SELECT status, attempt, public_id, reason, done FROM runs_run WHERE id = %s"
    deadline = time.monotonic() + 60
    while True:
        try:
            with psycopg.connect(concord.address()) as database:
                fetched = database.execute(query, [run]).fetchone()
            assert fetched is not None
            return fetched
        except psycopg.OperationalError:
            assert time.monotonic() < deadline
            time.sleep(0.2)


def folder(concord: Concord, run: int) -> Path:
    return concord.home / "runs" / str(row(concord, run)[2])


def wait_for_checkpoint(concord: Concord, run: int, *, attempt: int) -> psutil.Process:
    """The process that fits, once this attempt at the run has written a checkpoint."""
    concord.wait_for(lambda: row(concord, run)[:2] == ("running", attempt), 60)
    checkpoints = folder(concord, run) / "checkpoint"
    before = written(checkpoints)
    concord.wait_for(lambda: written(checkpoints) > before, 60)
    assert row(concord, run)[:2] == ("running", attempt)
    return child_of(concord, run)


def written(checkpoints: Path) -> float:
    """When the newest checkpoint was written, 0 where there is none."""
    return max((path.stat().st_mtime for path in checkpoints.glob("*.safetensors")), default=0.0)


def weights_at_the_end(concord: Concord, run: int) -> dict[str, str]:
    """Digest of each file of weights, once the run has succeeded."""
    concord.wait_for(lambda: row(concord, run)[0] not in {"queued", "running"}, 120)
    status, _, _, reason, _ = row(concord, run)
    assert status == "succeeded", reason
    output = folder(concord, run) / "output"
    files = sorted(output.rglob("*.safetensors"))
    assert files
    return {str(path.relative_to(output)): file_digest(path) for path in files}


def child_of(concord: Concord, run: int) -> psutil.Process:
    """The process that fits."""
    name = str(row(concord, run)[2])
    everything = psutil.Process(concord.process.pid).children(recursive=True)
    return next(one for one in everything if any(name in word for word in one.cmdline()))


@pytest.mark.long
def test_a_fit_and_concord_itself_outlive_the_kill_of_each_process(concord: Concord) -> None:
    services = concord.services()
    assert set(services) == {"web", "gpu", "cpu", "quick", "webhooks", "beat", "scorer", "forks"}
    assert concord.has_printed(f"http://[::1]:{concord.port}")
    concord.wait_for(concord.answers)
    if sys.platform == "linux":
        # A fifth is each one's own, and four fifths where each loads all for itself.
        memory = {name: process.memory_full_info() for name, process in services.items() if name != "forks"}
        assert max(one.uss / one.rss for one in memory.values()) < 0.5
    import_rankings(concord)
    run = start_fit(concord)
    _refuse_a_second(concord)
    left_alone = weights_at_the_end(concord, run)

    run = start_fit(concord)
    fitting = wait_for_checkpoint(concord, run, attempt=1)
    fitting.kill()
    fitting = wait_for_checkpoint(concord, run, attempt=2)
    assert fitting.ppid() == services["forks"].pid
    services["gpu"].kill()
    fitting.wait(10)  # a worker's child ends within ten seconds of it
    wait_for_checkpoint(concord, run, attempt=3)
    os.kill(concord.postmaster(), signal.SIGKILL)
    services["web"].kill()
    services["quick"].kill()
    assert weights_at_the_end(concord, run) == left_alone
    # What cannot be said to a database that is away is no lost worker: a third one would fail the run.
    assert row(concord, run)[1] == 3
    concord.wait_for(lambda: len(concord.services()) == 8 and concord.answers())
    restarts = ("web ended", "worker-gpu ended", "worker-quick ended", "database had ended")
    concord.wait_for(lambda: all(map(concord.has_printed, restarts)))

    everything = psutil.Process(concord.process.pid).children(recursive=True)
    if sys.platform == "linux":  # the kernel's parent-death signal is Linux's
        concord.process.kill()
        concord.wait_for(lambda: gone(everything))
    concord.end()
    _end_with_ctrl_c(concord)


def _refuse_a_second(concord: Concord) -> None:
    """Neither in its folder nor at its port."""
    again = Concord(concord.home, free_port())
    assert again.process.wait(60) == 1
    again.end()
    assert again.has_printed(f"Concord runs already: http://[::1]:{concord.port}")
    with tempfile.TemporaryDirectory(prefix="concord-") as other:
        taken = Concord(Path(other), concord.port, HOST="::1")
        assert taken.process.wait(60) == 1
        taken.end()
        assert taken.has_printed(f"Port {concord.port}")
        assert not (Path(other) / "postgres").exists()


def _end_with_ctrl_c(before: Concord) -> None:
    """The next start finds Postgres as the last of those that were killed left it; its end is the end of all."""
    again = Concord(before.home, before.port).ready()
    try:
        everything = psutil.Process(again.process.pid).children(recursive=True)
        assert len(everything) >= 7
    finally:
        assert again.end() == 0
    assert gone(everything)
    assert not Server(before.home).answers()


def gone(processes: list[psutil.Process]) -> bool:
    return not any(map(lives, processes))
