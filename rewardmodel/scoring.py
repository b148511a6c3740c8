"""Scores of prompts with completions by a reward model version: from the resident scorer, else from a child process.

    score_lines whoever is there: the resident scorer where one runs, else a child that loads the model and ends
    ask         the resident scorer alone (runs.resident)

torch stays out of this process.
"""

import json
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from django.db import connection

from rewardmodel.errors import ScoringFailed
from rewardmodel.models import RewardModelVersion
from runs import artifacts
from runs.child import run_to_end
from runs.errors import NotAnswered
from runs.folder.files import read_jsonl
from runs.folder.folder import RunFolder
from runs.resident import asking

# Of question to the resident scorer (rewardmodel.scorer answers it).
KIND = "scores"
Lines = Iterable[Mapping[str, Any]]


class Score(NamedTuple):
    """``value`` is normalised (R9); the prompt or the completion is cut where it was too long to be read whole."""

    value: float
    prompt_cut: bool
    completion_cut: bool

    @property
    def truncated(self) -> bool:
        """Either is."""
        return self.prompt_cut or self.completion_cut


def score_lines(*, version: RewardModelVersion, lines: Lines) -> list[Score]:
    """One score a line ``{"form", "prompt": [message], "completion"}``. Raises ScoringFailed."""
    all_lines = list(lines)
    # Nobody else sees a row of a transaction that is not over.
    if not connection.in_atomic_block and asking.is_running():
        return ask(version=version, lines=all_lines)
    return _score_in_child(version, all_lines)


def ask(
    *, version: RewardModelVersion, lines: Sequence[Mapping[str, Any]], wait: float = asking.WAIT_SECONDS
) -> list[Score]:
    """The same from the resident scorer, outside of a transaction. Raises NoScorer where none answers in ``wait``
    seconds, ScoringFailed."""
    try:
        answer = asking.ask(kind=KIND, request={"version": version.pk, "lines": list(lines)}, wait=wait)
    except NotAnswered as error:
        raise ScoringFailed(str(error)) from error
    return [Score(*one) for one in answer]


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
        return [Score(line["score"], line["prompt_cut"], line["completion_cut"]) for line in answered]
