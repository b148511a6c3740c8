"""The notebook from rankings to a reward model as it is stored. That it runs: tests/docs/test_first_hour.py."""

from pathlib import Path
from typing import Any

import nbformat

from tests.client.making import ROOT

NOTEBOOK = ROOT / "client" / "from_rankings_to_reward_model.ipynb"


def test_nothing_that_it_gave_is_kept_in_it() -> None:
    assert len(cells(NOTEBOOK)) > 4
    for cell in cells(NOTEBOOK):
        assert (cell.outputs, cell.execution_count) == ([], None)


def cells(path: Path) -> list[Any]:
    """Those of code."""
    read = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return [cell for cell in read.cells if cell.cell_type == "code"]


def results(cell: Any) -> list[str]:
    """What it gave, as it is printed."""
    return [one.data["text/plain"] for one in cell.outputs if one.output_type == "execute_result"]
