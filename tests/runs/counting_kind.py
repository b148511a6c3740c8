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


def _store(run: Run, folder: RunFolder) -> dict[str, Any]:
    artifact = artifacts.store(folder=folder.output, kind="counting", run=run)
    return {**read_json(folder.output / "result.json"), "artifact": artifact.digest}


def _finish(run: Run, result: dict[str, Any]) -> None:
    Run.objects.filter(pk=run.pk).update(result=result)


KIND = Kind(
    name=NAME,
    title="Count",
    prepare=_prepare,
    command=command,
    store=_store,
    finish=_finish,
    row="",
)
