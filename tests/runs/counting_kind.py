"""The counting child (tests.runs.counting) as a kind of run."""

import sys
from typing import Any

from runs import artifacts
from runs.folder.files import read_json
from runs.folder.folder import RunFolder
from runs.kinds import Kind
from runs.models import Run

NAME = "counting"


def _prepare(run: Run, folder: RunFolder) -> None:
    folder.write_config(run.result["config"])


def command(run: Run, folder: RunFolder) -> list[str]:
    return [sys.executable, "-m", "tests.runs.counting", str(folder.path)]


def _finish(run: Run, folder: RunFolder) -> None:
    artifact = artifacts.store(folder=folder.output, kind="counting", run=run)
    result: dict[str, Any] = {**read_json(folder.output / "result.json"), "artifact": artifact.digest}
    Run.objects.filter(pk=run.pk).update(result=result)


KIND = Kind(
    name=NAME,
    title="Count",
    prepare=_prepare,
    command=command,
    finish=_finish,
    project=lambda run: "none",
)
