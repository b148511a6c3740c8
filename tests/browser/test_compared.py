"""Pages of researchers where there is a contest, an evaluation and a training to show, at a desk and on a phone."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from console.data.kinds import KINDS
from rltrainer.models import PolicyVersion, Training
from runs.models import Run, RunMetric
from tests.browser.axe import violations_in_both_schemes
from tests.browser.conftest import Visit
from tests.browser.layout import overhang
from tests.pages.cast import Cast, make_cast
from tests.pages.test_reported_numbers import compared, evaluated
from tests.storing import store_artifacts_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DESK, PHONE = ViewportSize(width=1280, height=800), ViewportSize(width=390, height=844)


@pytest.fixture
def cast(tmp_path: Path, settings: Any) -> Cast:
    store_artifacts_in(tmp_path / "files", settings)
    cast = make_cast()
    compared(cast, tmp_path)
    evaluated(cast, tmp_path)
    trained(cast)
    return cast


def trained(cast: Cast) -> Run:
    """A PPO that followed the newest reward model, with the curves of a few steps."""
    run = Run.objects.create(kind="train_policy", status="succeeded", finished_at="2026-01-01T00:00Z")
    start = PolicyVersion.objects.get(project=cast.project, number=1)
    training = Training.objects.create(
        run=run,
        project=cast.project,
        algorithm="ppo",
        start=start,
        reward_model=cast.project.reward_model_versions.latest("number"),
    )
    report = {
        "before": {"reward": 0.12, "length": 11.4},
        "after": {"reward": 1.24, "kl": 3.6, "length": 9.8},
        "held_out": True,
        "gain_in_deviations": 1.1,
        "examples": [
            {
                "prompt": [{"role": "user", "content": "Which way?"}],
                "before": {"completion": "Up.", "reward": 0.1},
                "after": {"completion": "Down, and then up.", "reward": 0.4},
            }
        ],
    }
    PolicyVersion.objects.filter(project=cast.project, number=2).update(training=training, report=report)
    RunMetric.objects.bulk_create(
        RunMetric(
            run=run,
            step=step,
            figures={"step": step, "reward": step / 9, "kl": step / 4, "length": 12 - step},
        )
        for step in range(1, 9)
    )
    return run


def pages(cast: Cast) -> dict[str, str]:
    """By name, the addresses."""
    home = f"/admin/projects/{cast.project.slug}/"
    runs = {run.kind: run.pk for run in Run.objects.order_by("pk")}
    return {
        **{name: f"{home}{name}/" for name in ("reward-models", "policies", "try", "quality")},
        **{
            f"sorted {kind}": f"{home}data/{kind}/?order={next(iter(KINDS[kind].filters.orders))}"
            for kind in ("tasks", "completions")
        },
        **{kind: f"/admin/runs/{runs[kind]}/" for kind in ("train_policy", "evaluate_policy")},
    }


def test_they_hold_at_a_desk_and_on_a_phone_in_light_and_dark(visit: Visit, cast: Cast) -> None:
    faults: dict[str, Any] = {}
    context = None
    for name, path in pages(cast).items():
        page = visit(path, cast.olivia, context)
        context = page.context
        page.evaluate("document.querySelectorAll('main details').forEach((one) => { one.open = true })")
        if name == "train_policy":
            what_was_found_comes_first(page)
        page.set_viewport_size(DESK)
        wider = overhang(page)
        page.set_viewport_size(PHONE)
        seen = violations_in_both_schemes(page)
        if seen or overhang(page) or wider:
            faults[name] = (seen, overhang(page), wider)
        if name == "policies":
            versions_stand_side_by_side(page)
        elif name == "try":
            code_is_as_dark_as_its_notice(page)
        page.close()
    assert faults == {}


def what_was_found_comes_first(page: Page) -> None:
    """Then what can be done, the curves, and what it is made of."""
    expect(page.locator(".curve canvas").first).to_be_visible()
    parts = [".findings", "form[action$='/again/']", "#curves-title", "#made-of"]
    tops = [box["y"] for part in parts if (box := page.locator(part).first.bounding_box())]
    assert len(tops) == len(parts)
    assert tops == sorted(tops)


def versions_stand_side_by_side(page: Page) -> None:
    """None of two has to be scrolled to: an interval stands below its value."""
    table = page.get_by_role("region", name="Figures of the policies")
    assert table.evaluate("(table) => table.scrollWidth - table.clientWidth") == 0


def code_is_as_dark_as_its_notice(page: Page) -> None:
    assert page.locator(".notice code").first.evaluate(
        """(code) => {
          const [own, around] = [getComputedStyle(code), getComputedStyle(code.parentElement)];
          return own.color === around.color && parseFloat(own.fontSize) > 0.85 * parseFloat(around.fontSize);
        }"""
    )
