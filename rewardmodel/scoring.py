"""Scores of prompts with completions by a reward model version: from the resident scorer, else from a child process.

    score       whoever is there: the resident scorer where one runs, else a child that loads the model and ends
    ask         the resident scorer alone (rewardmodel.scorer): the request and its answer are one row
    is_resident_running

torch stays out of this process.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

from django.db import connection, transaction

from rewardmodel.errors import NoScorer, ScoringFailed
from rewardmodel.models import RewardModelVersion, ScoreRequest
from runs import artifacts
from runs.child import run_to_end
from runs.folder.files import read_jsonl
from runs.folder.folder import RunFolder

Lines = Iterable[Mapping[str, Any]]
# The channels on which the scorer is woken, and those who wait for it.
ASKED, ANSWERED = "concord_score_asked", "concord_score_answered"
# Held by a scorer's connection for as long as it lives, so that nobody waits for one that died.
LOCK = 7418
# Long enough for a model to be loaded first.
WAIT_SECONDS = 120.0
_LOOK_SECONDS = 1.0


class Score(NamedTuple):
    """``value`` is normalised (R9); ``truncated`` where the text was too long to be read whole."""

    value: float
    truncated: bool


def score(*, version: RewardModelVersion, lines: Lines) -> list[Score]:
    """One score a line ``{"form", "prompt": [message], "completion"}``. Raises ScoringFailed."""
    all_lines = list(lines)
    # Nobody else sees a row of a transaction that is not over.
    if not connection.in_atomic_block and is_resident_running():
        return ask(version=version, lines=all_lines)
    return _score_in_child(version, all_lines)


def is_resident_running() -> bool:
    """Whether a resident scorer is connected to this database."""
    with connection.cursor() as cursor:
        cursor.execute(_RUNNING, [LOCK])
        return bool(cursor.fetchone()[0])


_RUNNING = """
    SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = %s
        AND objsubid = 1 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""


def ask(
    *, version: RewardModelVersion, lines: Sequence[Mapping[str, Any]], wait: float = WAIT_SECONDS
) -> list[Score]:
    """The same from the resident scorer. Raises NoScorer where none answers in ``wait`` seconds, ScoringFailed.

    Not inside a transaction: the scorer would not see what it is asked.
    """
    with _listening(ANSWERED):
        request = ScoreRequest.objects.create(version=version, lines=list(lines))
        try:
            notify(ASKED, request.pk)
            return _answer(request, time.monotonic() + wait)
        finally:
            _forget(request)


def _forget(request: ScoreRequest) -> None:
    """Delete it, unless a scorer is at it, whose row is locked for as long as a model takes to load: whoever asked has
    waited long enough, and the scorer deletes what nobody fetched."""
    rows = ScoreRequest.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=request.pk)
    with transaction.atomic():
        ScoreRequest.objects.filter(pk__in=[row.pk for row in rows]).delete()


def _answer(request: ScoreRequest, until: float) -> list[Score]:
    while True:
        request.refresh_from_db(fields=["answer", "failure", "answered_at"])
        if request.answered_at is not None:
            if request.failure:
                raise ScoringFailed(request.failure)
            return [Score(*pair) for pair in cast("list[tuple[float, bool]]", request.answer)]
        if not is_resident_running():
            raise NoScorer("No scorer is running: start Concord (make serve), or run manage.py scorer.")
        if time.monotonic() > until:
            raise NoScorer("The scorer did not answer in time: ask for fewer texts at once, or try again.")
        wait_for_notice(_LOOK_SECONDS)


@contextmanager
def _listening(channel: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {channel}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"UNLISTEN {channel}")


def notify(channel: str, request: int) -> None:
    """Wake whoever listens, when this transaction is over."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [channel, str(request)])


def wait_for_notice(seconds: float) -> None:
    """Until a channel that is listened to says something, ``seconds`` at most."""
    for _ in connection.connection.notifies(timeout=seconds, stop_after=1):
        pass


def _score_in_child(version: RewardModelVersion, lines: Lines) -> list[Score]:
    """The child loads the artifact, scores and ends."""
    with tempfile.TemporaryDirectory(prefix="concord-score-") as name:
        folder = RunFolder(Path(name))
        folder.make()
        with (folder.inputs / "scored.jsonl").open("w", encoding="utf-8") as file:
            for line in lines:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        folder.write_config({"reward_model": str(artifacts.local_folder(version.artifact))})
        command = [sys.executable, "-m", "rewardmodel.bradley_terry", "score", name]
        if reason := run_to_end(command, folder):
            raise ScoringFailed(reason)
        answered = read_jsonl(folder.output / "scores.jsonl")
        return [Score(float(line["score"]), bool(line["truncated"])) for line in answered]
