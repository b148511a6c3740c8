"""What every chart of a run's page draws is what the run's metrics.jsonl says, step by step."""

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from console.curves import CURVES
from rewardmodel.bradley_terry import commands
from rltrainer.policy import sft
from runs import lifecycle
from runs.execution import Follower
from runs.folder.folder import RunFolder
from runs.folder.stopping import StopSignal
from runs.models import Run
from tests.annotation.factories import make_project
from tests.browser.conftest import Visit
from tests.pages.factories import make_transfer
from tests.rewardmodel.pure.factories import make_fit
from tests.rltrainer.policy.factories import make_sft_folder
from tests.rltrainer.ppo.factories import make_run
from tests.rltrainer.ppo.test_train import run as train

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.django_db(transaction=True)]
# Of a line, what says where it stands.
COUNTERS = {"step", "attempt", "epoch"}
NOTHING = "\N{EN DASH}"
# Measured from 0 to 1, and drawn in percent as all shares on pages.
SHARES = {
    "accuracy",
    "validation_accuracy",
    "ended",
    "distinct_2",
    "clip_fraction",
    "explained_variance",
}
Line = dict[str, float | None]


def by_sft(path: Path) -> RunFolder:
    folder = make_sft_folder(path, epochs=2)
    sft.main(folder, StopSignal())
    return folder


def by_fit(path: Path) -> RunFolder:
    folder = make_fit(path, epochs=2)
    commands.fit(folder, StopSignal())
    return folder


def by_ppo(path: Path) -> RunFolder:
    folder = make_run(path, steps=3, watched_prompts=0)  # its prompts are no rows of the project
    train(folder)
    return folder


def copied(folder: RunFolder) -> Run:
    """A run whose worker has copied what the folder holds."""
    make_transfer(make_project("helpful"))
    run = lifecycle.claim(run_id=Run.objects.get().pk, worker="test")
    assert run is not None
    Follower(run, folder, lambda reading: None).follow()
    lifecycle.end_cancelled(run=run)
    return run


def written(folder: RunFolder) -> tuple[list[Line], set[str]]:
    """The lines, and the names of what was measured in any."""
    lines = [json.loads(line) for line in folder.metrics_file.read_text().splitlines()]
    return lines, {name for line in lines for name, value in line.items() if value is not None} - COUNTERS


def at_each_step(page: Page, steps: int) -> list[dict[str, str]]:
    """What the charts say at their first step, and at each after it; by the chart's name."""
    chart = page.locator(".curve").get_by_role("slider").first
    values = []
    for step in range(steps):
        chart.press("ArrowRight" if step else "Home")
        charts = page.locator(".curve")
        names = charts.locator(".curve__head strong").all_inner_texts()
        values.append(dict(zip(names, charts.locator(".curve__value").all_inner_texts(), strict=True)))
    return values


@pytest.mark.parametrize("make", [by_sft, by_fit, by_ppo])
def test_every_chart_draws_what_the_file_says(
    visit: Visit, tmp_path: Path, make: Callable[[Path], RunFolder]
) -> None:
    folder = make(tmp_path)
    lines, names = written(folder)
    assert len(lines) > 2
    assert len(names) > 4
    page = visit(f"/admin/runs/{copied(folder).pk}/", User.objects.create_superuser("olivia"))
    expect(page.locator(".curve")).to_have_count(len(names))
    page.locator("#curves details").evaluate_all("parts => parts.forEach(part => { part.open = true })")
    for line, values in zip(lines, at_each_step(page, len(lines)), strict=True):
        assert values.keys() == {CURVES[name].label for name in names}
        for name in names:
            step, shown = values[CURVES[name].label].removeprefix("step ").split(": ")
            assert int(step) == line["step"]
            assert same(shown, line.get(name), is_share=name in SHARES), (name, shown, line)
    with page.expect_download() as table:
        page.get_by_role("link", name="CSV").click()
    rows = list(csv.DictReader(Path(table.value.path()).read_text().splitlines()))
    assert rows[0].keys() == {"step", *names}
    for line, row in zip(lines, rows, strict=True):
        assert int(row["step"]) == line["step"]
        assert {name: float(row[name]) if row[name] else None for name in names} == {
            name: line.get(name) for name in names
        }


def same(shown: str, value: float | None, *, is_share: bool) -> bool:
    """Four digits are shown, and two of what is tiny."""
    if value is None:
        return shown == NOTHING
    if is_share:
        assert shown.endswith("%")
        shown, value = shown.removesuffix("%"), 100 * value
    return math.isclose(float(shown), value, rel_tol=0.05 if abs(value) < 0.001 else 5e-4)
