"""Scores of prompts with completions by a project's active reward model, in a child process."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from rewardmodel.errors import ScoringFailed
from rewardmodel.models import RewardModelVersion
from runs import artifacts
from runs.folder.files import read_json, read_jsonl
from runs.folder.folder import RunFolder


def score(*, version: RewardModelVersion, lines: Iterable[Mapping[str, Any]]) -> list[float]:
    """One score a line ``{"form", "prompt": [message], "completion"}``, normalised (R9). Raises ScoringFailed.

    torch stays out of this process: the child loads the artifact, scores and ends.
    """
    with tempfile.TemporaryDirectory(prefix="concord-score-") as name:
        folder = RunFolder(Path(name))
        folder.make()
        with (folder.inputs / "scored.jsonl").open("w", encoding="utf-8") as file:
            for line in lines:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        folder.write_config({"reward_model": str(artifacts.local_folder(version.artifact))})
        command = [sys.executable, "-m", "rewardmodel.bradley_terry", "score", name]
        child = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False)
        if child.returncode:
            if folder.failure_file.exists():
                raise ScoringFailed(str(read_json(folder.failure_file)["reason"]))
            raise ScoringFailed(child.stderr[-2000:])
        return [float(line["score"]) for line in read_jsonl(folder.output / "scores.jsonl")]
