"""A run's curves in a real browser: what they show, at the pointer too, and what can be done with them."""

import base64
import math
import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from runs.models import Run, RunMetric
from tests.annotation.factories import make_project
from tests.browser.axe import violations
from tests.browser.conftest import Visit
from tests.browser.layout import overhang, wait_until, wait_until_still
from tests.pages.factories import make_transfer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
STEPS = 60
NOTHING = "\N{EN DASH}"


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


def test_curves_follow_the_colours_of_the_page(visit: Visit) -> None:
    page = opened(visit, make_run())
    picture = page.locator(".curve canvas").first

    def drawn() -> str:
        return str(picture.evaluate("(canvas) => canvas.toDataURL()"))

    wait_until_still(page)
    light = drawn()
    page.emulate_media(color_scheme="dark")
    wait_until(page, lambda: drawn() != light)
    dark = drawn()
    page.get_by_text("olivia").click()
    page.get_by_label("Colours").select_option("light")
    wait_until(page, lambda: drawn() == light)
    assert dark != light


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


def others(page: Page, name: str) -> list[str]:
    return page.locator(".curve", has_text=name).locator(".curve__others li").all_inner_texts()


def test_other_runs_are_laid_over_with_their_own_steps_and_the_address_holds_them(visit: Visit) -> None:
    doubled, tripled = make_run(steps=80, factor=2.0), make_run(steps=20, factor=3.0)
    Run.objects.filter(pk=doubled.pk).update(tags=["careful"])
    run = make_run()
    page = opened(visit, run)
    page.get_by_text("Lay other runs over").click()
    # By keys alone
    page.get_by_label(f"run {tripled.pk}").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page).to_have_url(re.compile(rf"/admin/runs/{run.pk}/\?over={tripled.pk}&over={doubled.pk}$"))
    key = page.get_by_role("list", name="Whose curves are drawn").get_by_role("listitem")
    expect(key).to_have_text(
        [
            f"run {run.pk}: Export pairs",
            f"run {tripled.pk}: Export pairs",
            f"run {doubled.pk}: Export pairs careful",
        ]
    )
    # At this run's last step: one has ended before it, the other goes on.
    expect(page.locator(".curve", has_text="Reward").locator(".curve__others li")).to_have_text(
        [f"run {tripled.pk}: {NOTHING}", f"run {doubled.pk}: 114"]
    )
    assert value(page, "Reward") == "step 60: 57"
    page.locator(".curve", has_text="Reward").get_by_role("slider").press("Home")
    assert others(page, "Reward") == [f"run {tripled.pk}: 12", f"run {doubled.pk}: 8"]
    page.get_by_label("Log axis").check()
    page.locator(".curve", has_text="Reward").get_by_role("slider").press("End")
    assert value(page, "Reward") == f"step 80: {NOTHING}"
    assert others(page, "Reward") == [f"run {tripled.pk}: {NOTHING}", f"run {doubled.pk}: 154"]
    # Somebody else opens the address.
    there = visit(page.url, context=page.context)
    expect(there.locator(".curve", has_text="Reward").locator(".curve__others li")).to_have_text(
        [f"run {tripled.pk}: {NOTHING}", f"run {doubled.pk}: 114"]
    )
    there.get_by_label(f"run {tripled.pk}").uncheck()
    there.get_by_label(f"run {doubled.pk}").uncheck()
    expect(there.locator(".curve__others li")).to_have_count(0)
    expect(there).to_have_url(re.compile(rf"/admin/runs/{run.pk}/$"))


COLOURS = """canvas => {
    const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const seen = new Set();
    for (let i = 0; i < data.length; i += 4) if (data[i + 3] === 255) seen.add(data.slice(i, i + 3).join(","));
    return [...seen];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_six_at_most_each_with_a_colour_and_a_dash_of_its_own(visit: Visit, scheme: str) -> None:
    runs = [make_run(steps=5, factor=1.0 + number) for number in range(8)]
    chosen = "&".join(f"over={run.pk}" for run in runs[:6])
    page = visit(
        f"/admin/runs/{runs[7].pk}/?{chosen}", User.objects.create_superuser("olivia"), color_scheme=scheme
    )
    reward = page.locator(".curve", has_text="Reward")
    expect(reward.locator(".curve__others li")).to_have_count(6)
    expect(page.get_by_label(f"run {runs[6].pk}")).to_be_disabled()
    samples = page.locator("#key .sample path")
    strokes = [sample.evaluate("path => getComputedStyle(path).stroke") for sample in samples.all()]
    dashes = [sample.get_attribute("stroke-dasharray") for sample in samples.all()]
    assert len(set(strokes)) == len(set(dashes)) == 7
    drawn = set(reward.locator("canvas").evaluate(COLOURS))
    assert {re.sub(r"[^\d,]", "", stroke) for stroke in strokes} <= drawn
    assert violations(page) == []
    page.set_viewport_size({"width": 360, "height": 640})
    # The charts follow their boxes a moment later.
    wait_until(page, lambda: overhang(page) == 0)
    page.get_by_label(f"run {runs[0].pk}").uncheck()
    expect(page.get_by_label(f"run {runs[6].pk}")).to_be_enabled()


def test_table_and_picture_hold_all_runs_that_are_laid_over(visit: Visit) -> None:
    other = make_run(steps=2, factor=2.0)
    run = make_run(steps=3)
    page = visit(f"/admin/runs/{run.pk}/?over={other.pk}", User.objects.create_superuser("olivia"))
    expect(page.locator(".curve__others li")).to_have_count(3)
    with page.expect_download() as table:
        page.get_by_role("link", name="CSV").click()
    lines = [line.split(",")[:3] for line in Path(table.value.path()).read_text().splitlines()]
    assert lines == [
        ["run", "step", "reward"],
        *([str(run.pk), str(step), str(reward(step))] for step in (1, 2, 3)),
        *([str(other.pk), str(step), str(2 * reward(step))] for step in (1, 2)),
    ]
    with page.expect_download() as picture:
        page.get_by_role("button", name="Reward: PNG").click()
    colours = picture_colours(page, Path(picture.value.path()))
    strokes = page.locator("#key .sample path").evaluate_all(
        "paths => paths.map(path => getComputedStyle(path).stroke)"
    )
    assert len(strokes) == 2
    assert {re.sub(r"[^\d,]", "", stroke) for stroke in strokes} <= colours


def picture_colours(page: Page, path: Path) -> set[str]:
    """The colours below the drawing, where it is said whose the lines are."""
    source = "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
    script = f"""async source => {{
        const image = new Image();
        image.src = source;
        await image.decode();
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [image.width, 50];
        canvas.getContext("2d").drawImage(image, 0, 50 - image.height);
        return ({COLOURS})(canvas);
    }}"""
    return set(page.context.new_page().evaluate(script, source))


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


def test_tags_of_the_table_of_runs_are_large_enough_for_a_thumb(visit: Visit) -> None:
    run = make_run(steps=1)
    Run.objects.filter(pk=run.pk).update(tags=["careful", "lora", "again"])
    page = visit(
        f"/admin/projects/{run.transfer.project.slug}/runs/",
        User.objects.create_superuser("olivia"),
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
    )
    assert page.get_by_role("link", name="careful").is_visible()
    assert violations(page) == []


def test_what_is_measured_at_the_end_alone_is_a_point_and_no_empty_picture(visit: Visit) -> None:
    run = make_run()
    last = RunMetric.objects.get(run=run, step=STEPS)
    last.figures["held_out_loss"] = 2.5
    last.save()
    page = visit(f"/admin/runs/{run.pk}/", User.objects.create_superuser("olivia"))
    curve = page.locator(".curve", has_text="Held-out loss")
    expect(curve.locator(".curve__value")).to_have_text("step 60: 2.5")
    wait_until_still(page)
    # In the colour of the first run, which neither grid nor words have: a disc of 6 px has an area of 28.
    drawn = curve.locator("canvas").evaluate(
        """(canvas) => {
          const accent = getComputedStyle(document.documentElement).getPropertyValue("--accent").trim();
          const [r, g, b] = [1, 3, 5].map((at) => parseInt(accent.slice(at, at + 2), 16));
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          let count = 0;
          for (let at = 0; at < data.length; at += 4)
            count += data[at] === r && data[at + 1] === g && data[at + 2] === b && data[at + 3] > 200;
          return count;
        }"""
    )
    assert 4 < drawn < 60


def drawn(page: Page, name: str) -> str:
    return str(page.locator(".curve", has_text=name).locator("canvas").evaluate("one => one.toDataURL()"))


def test_a_part_is_seen_larger_and_all_of_it_again(visit: Visit) -> None:
    """By a stroke over it and a double click: what stands at the left edge says from where it is drawn."""
    page = opened(visit, make_run())
    over = page.locator(".curve", has_text="Reward").locator(".u-over")
    over.scroll_into_view_if_needed()
    wait_until_still(page)

    def at_left_edge() -> int:
        over.hover(position={"x": 1, "y": 50})
        return int(re.findall(r"step (\d+)", value(page, "Reward"))[0])

    assert at_left_edge() == 1
    box = over.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 50, steps=5)
    page.mouse.up()
    wait_until(page, lambda: at_left_edge() in range(29, 33))
    over.dblclick(position={"x": 60, "y": 50})
    wait_until(page, lambda: at_left_edge() == 1)


def test_a_log_axis_draws_what_is_above_zero_by_its_powers_and_leaves_the_rest(visit: Visit) -> None:
    run = make_run(steps=5)
    for row in RunMetric.objects.filter(run=run):
        row.figures["seconds_update"] = 10.0 ** row.figures["step"]
        row.save()
    page = opened(visit, run)
    page.locator("#curves details").evaluate_all("parts => parts.forEach(part => { part.open = true })")
    wait_until_still(page)
    before = {name: drawn(page, name) for name in ("Reward", "Updating")}
    page.get_by_label("Log axis").check()
    wait_until(page, lambda: drawn(page, "Updating") != before["Updating"])
    assert drawn(page, "Reward") == before["Reward"]  # its second step is below zero
    page.get_by_label("Log axis").uncheck()
    wait_until(page, lambda: drawn(page, "Updating") == before["Updating"])


# What is written along the axis of steps; beside the other axis, words end where it begins.
AXIS = """
  const write = CanvasRenderingContext2D.prototype.fillText;
  window.steps = [];
  CanvasRenderingContext2D.prototype.fillText = function (text, ...where) {
    if (this.textAlign === "center") window.steps.push(text);
    return write.call(this, text, ...where);
  };
"""


def test_no_mark_stands_between_two_steps(visit: Visit) -> None:
    page = opened(visit, make_run(steps=3))
    page.add_init_script(AXIS)
    page.reload()
    expect(page.locator(".curve")).to_have_count(3)
    wait_until_still(page)
    assert set(page.evaluate("window.steps")) == {"1", "2", "3"}
