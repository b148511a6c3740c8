"""The notebook from rankings to a reward model runs from its first cell to its last, in a kernel of its own."""

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from annotation.models import Comparison
from rewardmodel.models import RewardModelVersion
from runs.models import Run
from tests.annotation.factories import make_user
from tests.api.world import token_of
from tests.client.making import ROOT
from tests.home import HOME
from tests.scorers import scorers

pytestmark = [pytest.mark.processes, pytest.mark.long, pytest.mark.django_db(transaction=True)]
NOTEBOOK = ROOT / "client" / "from_rankings_to_reward_model.ipynb"


def test_nothing_that_it_gave_is_kept_in_it() -> None:
    for cell in cells(NOTEBOOK):
        assert (cell.outputs, cell.execution_count) == ([], None)


@pytest.mark.usefixtures("worker")
def test_it_runs_to_its_end(live_server: Any, tmp_path: Path) -> None:
    researcher = make_user("researcher", is_staff=True, is_superuser=True)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "client"),
        "CONCORD_URL": live_server.url,
        "CONCORD_TOKEN": token_of(researcher),
        # Nothing of this account's own is read, and nothing is left with it.
        **{
            name: str(tmp_path)
            for name in ("HOME", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR")
        },
    }
    executed = tmp_path / "executed.ipynb"
    with scorers(HOME) as start:
        start()
        done = subprocess.run(
            [Path(sys.executable).with_name("jupyter-execute"), NOTEBOOK, f"--output={executed}"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            timeout=200,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    gave = {cell.id: results(cell) for cell in cells(executed)}
    assert gave["rankings"] == ["'succeeded'"]
    assert gave["export"] == ["60"]
    version = RewardModelVersion.objects.get()
    assert (version.project.slug, gave["fit"]) == ("inns", [str(version.number)])
    assert set(Run.objects.values_list("status", flat=True)) == {"succeeded"}
    assert Comparison.objects.filter(ranking__task__project__slug="inns").count() == 60
    # What nobody ranked, scored as the words of the rankings have it.
    (printed,) = gave["scores"]
    scores = ast.literal_eval(printed)
    assert scores["It is good and lovely."]["score"] > scores["It is bad and dirty."]["score"]


def cells(path: Path) -> list[Any]:
    """Those of code."""
    read = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return [cell for cell in read.cells if cell.cell_type == "code"]


def results(cell: Any) -> list[str]:
    return [one.data["text/plain"] for one in cell.outputs if one.output_type == "execute_result"]
