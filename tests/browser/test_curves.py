"""A run's curves in a real browser: what they show, at the pointer too, and what can be done with them."""

import math
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from runs.models import Run, RunMetric
from tests.annotation.factories import make_project
from tests.browser.conftest import Visit
from tests.pages.factories import make_transfer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
STEPS = 60


def make_run(steps: int = STEPS, factor: float = 1.0) -> Run:
    """With a reward that jumps from step to step, a constant, and a time."""
    project = make_project("helpful") if not Run.objects.exists() else Run.objects.all()[0].transfer.project
    run = make_transfer(project).run
    Run.objects.filter(pk=run.pk).update(status="cancelled", finished_at="2026-01-01T00:00Z")
    RunMetric.objects.bulk_create(
        RunMetric(
            run=run,
            step=step,
            figures={"step": step, "reward": factor * reward(step), "kl": 0.0, "seconds_update": 1.5},
        )
        for step in range(1, steps + 1)
    )
    return run


def reward(step: int) -> float:
    return step + (3.0 if step % 2 else -3.0)


def opened(visit: Visit, run: Run) -> Page:
    page = visit(f"/admin/runs/{run.pk}/", User.objects.create_superuser("olivia"))
    expect(page.locator(".curve")).to_have_count(3)
    return page


def value(page: Page, name: str) -> str:
    return page.locator(".curve", has_text=name).locator(".curve__value").inner_text()


def test_each_figure_has_its_name_unit_last_value_and_the_value_at_the_pointer(visit: Visit) -> None:
    page = opened(visit, make_run())
    assert page.locator(".curves-group > :is(h3, summary)").all_inner_texts() == [
        "What decides",
        "How fast it is",
    ]
    assert value(page, "Reward") == "step 60: 57"
    expect(page.get_by_text("KL from the reference nats a completion")).to_be_visible()
    over = page.locator(".curve", has_text="Reward").locator(".u-over")
    box = over.bounding_box()
    assert box is not None
    over.hover(position={"x": 1, "y": box["height"] / 2})
    expect(page.locator(".curve", has_text="Reward").locator(".curve__value")).to_have_text("step 1: 4")
    # All plots look at the same step.
    expect(page.locator(".curve", has_text="KL from").locator(".curve__value")).to_have_text("step 1: 0")


def test_smoothing_is_an_average_that_is_right_from_the_start_and_the_points_stay_seen(visit: Visit) -> None:
    page = opened(visit, make_run())
    smooth = page.get_by_label("Smooth")
    smooth.fill("0.5")
    expected, share = 0.0, 0.0
    for step in range(1, STEPS + 1):
        expected, share = 0.5 * expected + 0.5 * reward(step), 0.5 * share + 0.5
    shown = float(value(page, "Reward").removeprefix("step 60: "))
    assert math.isclose(shown, expected / share, rel_tol=1e-3)


def test_another_run_is_laid_over_with_its_own_steps(visit: Visit) -> None:
    other = make_run(steps=80, factor=2.0)
    run = make_run()
    page = opened(visit, run)
    page.get_by_label("Lay over").select_option(index=1)
    words = page.locator(".curve", has_text="Reward").locator(".curve__value")
    # Beyond this run's last step its last value stays, beside the other's at that step.
    expect(words).to_have_text(f"step 60: 57, run {other.pk} 114")
    page.get_by_label("Log axis").check()
    expect(words).to_have_text(f"step 60: 57, run {other.pk} 114")
    page.get_by_label("Lay over").select_option(index=0)
    expect(words).to_have_text("step 60: 57")


def test_a_single_step_and_a_constant_are_seen(visit: Visit) -> None:
    page = opened(visit, make_run(steps=1))
    assert value(page, "Reward") == "step 1: 4"
    for name in ("Reward", "KL from"):
        labels = page.locator(".curve", has_text=name).locator("canvas").count()
        assert labels == 1
        drawn = (
            page.locator(".curve", has_text=name)
            .locator("canvas")
            .evaluate(
                "canvas => new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size"
            )
        )
        assert drawn > 10, name  # a point and an axis, not an empty plane


def test_they_are_saved_as_a_table_and_as_a_picture(visit: Visit) -> None:
    run = make_run()
    page = opened(visit, run)
    with page.expect_download() as table:
        page.get_by_role("link", name="CSV").click()
    lines = Path(table.value.path()).read_text().splitlines()
    assert (lines[0], lines[1]) == ("step,reward,kl,seconds_update", "1,4.0,0.0,1.5")
    with page.expect_download() as picture:
        page.get_by_role("button", name="Reward: PNG").click()
    assert picture.value.suggested_filename == f"run-{run.pk}-reward.png"
    assert Path(picture.value.path()).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
