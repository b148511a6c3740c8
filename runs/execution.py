"""How a worker carries out one run: lease, folder, child process, metrics, end.

The order of a run's life on the worker:

1. prepare the folder, unless an earlier attempt has (its config.json is written last): a stop is heard between
   batches, where there are many (runs.preparing);
2. start the child, and every second copy its progress, metrics and log into rows;
3. pass on a request to stop: the worker's own, a cancel, or a lost lease;
4. read the exit code; store what a finished child made, outside of any transaction;
5. move the row, with the rows that the kind writes at its end.

A heart beats in its own thread, so that a long preparation or a large upload keeps the lease. When
Postgres is away the child goes on; writes are tried again until the server is back.
"""

import logging
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError, connection

from runs import lifecycle, preparing
from runs.child import Child, log_tail
from runs.errors import LeaseLost
from runs.folder import child as exit_codes
from runs.folder.child import reason
from runs.folder.errors import Stopped
from runs.folder.files import read_json
from runs.folder.folder import RunFolder
from runs.folder.metrics import read_metrics
from runs.folder.progress import Reading, read_progress
from runs.kinds import Kind, kind_of
from runs.models import Run

logger = logging.getLogger("concord.runs")
Result = TypeVar("Result")
# How long a finished child's result waits for a database that is away.
SECONDS_WITHOUT_DATABASE = 600.0


def worker_name() -> str:
    """Who holds the lease, for people: host and process."""
    return f"{socket.gethostname()}:{os.getpid()}"


def folder_of(run: Run) -> RunFolder:
    """The run's folder under ``var/runs``."""
    return RunFolder(Path(settings.RUNS_DIR) / str(run.public_id))


def execute(
    *,
    run: Run,
    stopping: Callable[[], bool],
    report: Callable[[Reading], None] = lambda reading: None,
) -> Run:
    """Carry out a claimed run and return its row as it is then.

    ``stopping`` is asked every second whether this worker must leave; ``report`` hears the progress. What failed or was
    cancelled and can go on from no checkpoint leaves no output: it may be half of gigabytes.
    """
    kind, folder = kind_of(run), folder_of(run)
    with Heart(run) as heart:
        try:
            left = _work(run, kind, folder, heart, stopping, report)
            _conclude(run, kind, folder, heart, left, stopping)
        except LeaseLost as lost:
            logger.warning("%s", lost)
        except Exception as error:  # whatever a kind's own step raises ends this run, not the worker
            logger.exception("run %s failed", run.pk)
            why, tail = reason(error), log_tail(folder.log_file)
            insistently(lambda: lifecycle.fail(run=run, reason=why, log_tail=tail))
    left_as = insistently(lambda: Run.objects.get(pk=run.pk))
    if left_as.status in (Run.Status.FAILED, Run.Status.CANCELLED) and not kind.resumes:
        shutil.rmtree(folder.output, ignore_errors=True)
    return left_as


class Left(NamedTuple):
    """How a child left: its exit code (below zero: by that signal), and when it had been asked to, if it had."""

    code: int
    asked_at: float | None


def _work(
    run: Run,
    kind: Kind[Any],
    folder: RunFolder,
    heart: "Heart",
    stopping: Callable[[], bool],
    report: Callable[[Reading], None],
) -> Left:
    folder.make()
    if not folder.config_file.exists():

        def is_asked() -> bool:
            heart.check()
            return stopping() or heart.cancel.is_set()

        try:
            with folder.writing(), preparing.stopped_by(is_asked):
                kind.prepare(run, folder)
        except Stopped:
            return Left(exit_codes.STOPPED, time.monotonic())
    follower = Follower(run, folder, report)
    with Child(kind.command(run, folder), folder) as child:
        asked_at: float | None = None
        while (code := child.wait(seconds=0.5)) is None:
            heart.check()
            if asked_at is None and (stopping() or heart.cancel.is_set()):
                child.ask_to_stop()
                asked_at = time.monotonic()
            if asked_at is not None and time.monotonic() - asked_at > settings.RUN_STOP_SECONDS:
                child.end()
            follower.follow()
    insistently(follower.follow)
    return Left(code, asked_at)


def _conclude(
    run: Run, kind: Kind[Any], folder: RunFolder, heart: "Heart", left: Left, stopping: Callable[[], bool]
) -> None:
    """Move the row as the child left. A signal after it was asked to stop is ours: SIGTERM that came before it
    listened, or SIGKILL where its checkpoint took too long; it goes on from the one before."""
    tail, code = log_tail(folder.log_file), left.code
    killed = code < 0 or (code == exit_codes.LOST and not folder.failure_file.exists())
    if code == exit_codes.DONE:
        _succeed(run, kind, folder, heart, left, stopping)
    elif heart.cancel.is_set():
        insistently(lambda: lifecycle.end_cancelled(run=run))
    elif code == exit_codes.STOPPED or (left.asked_at is not None and killed):
        insistently(lambda: lifecycle.give_back(run=run))
    elif killed:
        logger.warning("a process of run %s ended by a signal (%s)", run.pk, code)
        insistently(lambda: _requeue_killed(run))
    else:
        insistently(lambda: lifecycle.fail(run=run, reason=_failure(folder, code), log_tail=tail))


def _succeed(
    run: Run, kind: Kind[Any], folder: RunFolder, heart: "Heart", left: Left, stopping: Callable[[], bool]
) -> None:
    """Files first and without a lock, then the rows that name them.

    Storing can take longer than a worker that is to leave has. Then the next one stores what the child has made.
    """
    storing = _in_background(lambda: insistently(lambda: kind.store(run, folder)))
    asked_at = left.asked_at
    while not wait([storing], timeout=0.5).done:
        heart.check()
        if asked_at is None and stopping():
            asked_at = time.monotonic()
        if asked_at is not None and time.monotonic() - asked_at > settings.RUN_STOP_SECONDS:
            insistently(lambda: lifecycle.give_back(run=run))
            return
    output = storing.result()
    heart.check()
    insistently(lambda: lifecycle.succeed(run=run, finish=lambda: kind.finish(run, output)))


def _in_background(work: Callable[[], Result]) -> "Future[Result]":
    """``work`` in a thread with a connection of its own, which keeps no process from ending."""
    future: Future[Result] = Future()

    def carry_out() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # the future's reader raises it
            future.set_exception(error)
        finally:
            connection.close()

    threading.Thread(target=carry_out, daemon=True, name="storing").start()
    return future


def _requeue_killed(run: Run) -> None:
    """A killed child (out of memory, most often) goes on from its checkpoint, three times at most."""
    if lifecycle.lose(run=run) == Run.Status.QUEUED:
        lifecycle.send(run=run)


def _failure(folder: RunFolder, code: int) -> str:
    if folder.failure_file.exists():
        return str(read_json(folder.failure_file)["reason"])
    return f"The child process ended with code {code} and left no reason; see the log."


class Follower:
    """Copies what the child writes into rows."""

    def __init__(self, run: Run, folder: RunFolder, report: Callable[[Reading], None]) -> None:
        self._run, self._folder, self._report = run, folder, report
        self._keep = kind_of(run).follow
        self._copied = (
            _Lines(run, folder.metrics_file, lifecycle.clear_metrics, lifecycle.add_metrics),
            _Lines(run, folder.watched_file, lifecycle.clear_answers, lifecycle.add_answers),
        )

    def follow(self) -> None:
        """Copy what is new. A database that is away is no reason to stop the child: try next time."""
        progress = read_progress(self._folder.progress_file)
        if progress is not None:
            self._report(progress)
        try:
            for lines in self._copied:
                lines.copy()
            lifecycle.show(
                run=self._run,
                progress=progress,
                computed_on=self._computed_on(),
                log_tail=log_tail(self._folder.log_file),
            )
            if self._keep is not None:
                self._keep(self._run, self._folder)
        except (OperationalError, InterfaceError) as error:
            logger.warning("the database is away, run %s goes on: %s", self._run.pk, error)
            connection.close()

    def _computed_on(self) -> dict[str, Any] | None:
        path = self._folder.device_file
        return read_json(path) if path.exists() else None


class _Lines:
    """Copies a file that a child appends to. A new attempt copies it from its start again, because the child cuts it to
    its checkpoint: seen as a new inode under the same name."""

    def __init__(self, run: Run, path: Path, clear: Callable[..., None], add: Callable[..., None]) -> None:
        self._run, self._path, self._clear, self._add = run, path, clear, add
        self._inode: int | None = None
        self._offset = 0

    def copy(self) -> None:
        """Copy what is new."""
        if not self._path.exists():
            return
        inode = self._path.stat().st_ino
        if inode != self._inode:
            self._clear(run=self._run)
            self._inode, self._offset = inode, 0
        lines, offset = read_metrics(self._path, self._offset)
        if lines:
            self._add(run=self._run, lines=lines)
            self._offset = offset


class Heart:
    """Renews the lease every ``RUN_HEARTBEAT_SECONDS`` from a thread with its own connection."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._done = threading.Event()
        self._lost = threading.Event()
        self.cancel = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True, name=f"heart of run {run.pk}")

    def check(self) -> None:
        """Raise LeaseLost once another worker has the run."""
        if self._lost.is_set():
            raise LeaseLost(f"run {self._run.pk} is held by another worker now")

    def __enter__(self) -> "Heart":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _beat(self) -> None:
        try:
            while not self._done.wait(settings.RUN_HEARTBEAT_SECONDS):
                self._beat_once()
        finally:
            connection.close()

    def _beat_once(self) -> None:
        try:
            if lifecycle.beat(run=self._run):
                self.cancel.set()
        except LeaseLost:
            self._lost.set()
        except DatabaseError as error:
            logger.warning("run %s cannot renew its lease now: %s", self._run.pk, error)
            connection.close()


def insistently(write: Callable[[], Result]) -> Result:
    """Call ``write`` until the database is there to take it, for ten minutes."""
    deadline = time.monotonic() + SECONDS_WITHOUT_DATABASE
    while True:
        try:
            return write()
        except (OperationalError, InterfaceError) as error:
            if time.monotonic() > deadline or connection.in_atomic_block:
                raise
            logger.warning("the database is away, trying again: %s", error)
            connection.close()
            time.sleep(1.0)
