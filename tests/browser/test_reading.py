"""Whatever a model wrote reads well: at the sizes of screens, in light and dark, enlarged, with more contrast."""

import os
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, ViewportSize, expect

from annotation.models import Project
from tests.annotation.factories import have_read, make_member, make_project, put
from tests.browser.axe import violations, violations_in_both_schemes
from tests.browser.conftest import Visit
from tests.browser.layout import clipped, overhang, overlapping, small_targets, wait_until_still
from tests.browser.ranking import wait_until_ready
from tests.browser.texts import hard_task

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RANK = "/projects/helpful/rank/"
GUIDELINES = "Prefer **true** answers.\n\n1. Nothing wrong\n2. Nothing missing\n\n" + "Say it shortly. " * 200
# The last is a laptop's 1280 x 1024 enlarged four times (WCAG 1.4.10).
SIZES = {"wide": (1440, 900), "tablet": (1024, 768), "phone": (390, 844), "enlarged": (320, 256)}


@pytest.fixture
def project() -> Project:
    helpful = make_project("helpful", name="Helpful answers", guidelines=GUIDELINES)
    put(helpful, "completions", hard_task())
    return helpful


@pytest.fixture
def alice(project: Project) -> User:
    user = make_member(project, name="alice")
    have_read(project, user)
    return user


@pytest.fixture
def page(visit: Visit, alice: User) -> Page:
    opened = visit(RANK, alice)
    wait_until_ready(opened)
    return opened


def resize(page: Page, name: str) -> None:
    width, height = SIZES[name]
    page.set_viewport_size(ViewportSize(width=width, height=height))
    wait_until_still(page)


def keep_a_look(page: Page, name: str) -> None:
    """A picture for a person to look at, where one asked for it."""
    if folder := os.environ.get("CONCORD_SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def test_hard_texts_read_well_before_and_after_they_are_placed(page: Page) -> None:
    for size in SIZES:
        resize(page, size)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            keep_a_look(page, f"reading-{size}-{scheme}")
            assert (overhang(page), overlapping(page), clipped(page)) == (0, [], []), (size, scheme)
    for place in (3, 1, 1, 2, 4, 5, 6, 7):
        page.keyboard.press(str(place))
    for size in SIZES:
        resize(page, size)
        keep_a_look(page, f"reading-{size}-one-left")
        assert (overhang(page), overlapping(page)) == (0, []), size
    page.keyboard.press("9")
    for size in SIZES:
        resize(page, size)
        keep_a_look(page, f"reading-{size}-placed")
        assert (overhang(page), overlapping(page), clipped(page)) == (0, [], []), size


def test_every_text_is_there_whole(page: Page) -> None:
    texts = page.locator(".completion__text").all_inner_texts()
    assert any("Paragraph 1:" in text and "Paragraph 25:" in text for text in texts)
    assert "This completion is empty." in texts
    # A block of code wraps; a table scrolls by itself; both are reached by their last words.
    assert any('max(lines, key=len, default="")' in text for text in texts)
    assert any("IST" in text for text in texts)
    assert len(page.locator(".turn").all()) == 20
    same = page.locator(".completion__note")
    expect(same).to_have_count(1)
    expect(same).to_contain_text("The same text as")


def test_each_block_has_the_direction_of_its_letters(page: Page) -> None:
    directions = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll(".prose > :is(p, ul, ol)")]
          .map((block) => [block.textContent.slice(0, 8), getComputedStyle(block).direction]))"""
    )
    assert directions["العبّارة"[:8]] == "rtl"
    assert directions["The word"] == "ltr"
    assert directions["המילה pe"] == "rtl"
    code = page.locator(".completion__text code", has_text="npm install")
    assert code.evaluate("(code) => getComputedStyle(code).direction") == "ltr"


def test_a_finger_finds_every_control(visit: Visit, alice: User) -> None:
    page = visit(RANK, alice, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    wait_until_ready(page)
    assert small_targets(page) == []
    page.locator('.chip[data-place="1"]').first.tap()
    assert small_targets(page) == []


def test_axe_finds_nothing_on_hard_texts(page: Page) -> None:
    for size in ("wide", "phone"):
        resize(page, size)
        assert violations_in_both_schemes(page) == {}, size


def test_long_texts_side_by_side_are_marked_or_said_to_be_too_long(page: Page) -> None:
    page.keyboard.press("v")
    expect(page.locator("#compare")).to_be_visible()
    letters = page.locator('#compare [data-side="a"] option').all_inner_texts()
    for size in ("wide", "phone"):
        resize(page, size)
        for letter in letters[1:]:
            page.locator('[data-side="b"]').select_option(letter)
            assert overhang(page) == 0, (size, letter)
            assert page.locator("#compare mark").count() > 0 or page.locator("[data-unmarked]").is_visible()
        keep_a_look(page, f"compare-{size}")
        assert violations(page) == [], size


def test_motion_ends_where_less_of_it_is_wanted(page: Page) -> None:
    button = page.locator("[data-submit]")
    duration = "(element) => parseFloat(getComputedStyle(element).transitionDuration)"
    assert button.evaluate(duration) > 0
    page.emulate_media(reduced_motion="reduce")
    assert button.evaluate(duration) == 0


def test_more_contrast_is_given_where_it_is_wanted(page: Page) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, contrast="no-preference")
        before = page.evaluate(_CONTRAST)
        page.emulate_media(color_scheme=scheme, contrast="more")
        wait_until_still(page)
        after = page.evaluate(_CONTRAST)
        # WCAG's enhanced contrast of text is 7, and that of what is no text 3.
        assert (after["muted"] >= 7, after["border"] >= 3) == (True, True), (scheme, before, after)
        assert after["muted"] > before["muted"]


# Contrast (WCAG 2.2's relative luminance) of quiet text and of a card's edge with what they stand on.
_CONTRAST = """() => {
  const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const luminance = (colour) => {
    paint.fillStyle = colour;
    paint.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...paint.getImageData(0, 0, 1, 1).data].map((part) => part / 255)
      .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (one, other) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const page = getComputedStyle(document.body).backgroundColor;
  const muted = getComputedStyle(document.querySelector(".tools__counts")).color;
  const card = getComputedStyle(document.querySelector(".completion"));
  return { muted: ratio(muted, page), border: ratio(card.borderBlockEndColor, page) };
}"""


def test_guidelines_stand_beside_the_work_on_a_wide_screen(page: Page) -> None:
    resize(page, "wide")
    page.keyboard.press("g")
    panel = page.locator("#guidelines")
    expect(panel).to_be_visible()
    keep_a_look(page, "guidelines-wide")
    edge = panel.evaluate("(panel) => panel.getBoundingClientRect().left")
    cards = page.locator(".completion").evaluate_all(
        "(cards) => Math.max(...cards.map((card) => card.getBoundingClientRect().right))"
    )
    assert cards <= edge
    assert (overhang(page), overlapping(page)) == (0, [])
    # The keys go on working, and the panel stays, also after a reload, until it is closed.
    page.keyboard.press("1")
    assert page.locator(".slot .token").count() == 1
    page.reload()
    wait_until_ready(page)
    expect(panel).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("g")
    expect(panel).to_be_hidden()
    page.reload()
    wait_until_ready(page)
    expect(panel).to_be_hidden()


def test_guidelines_cover_the_work_on_a_phone(page: Page) -> None:
    resize(page, "phone")
    page.get_by_role("link", name="Guidelines").click()
    panel = page.locator("#guidelines")
    expect(panel).to_be_visible()
    assert panel.evaluate("(panel) => panel.matches(':modal')")
    assert overhang(page) == 0
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()


def test_the_list_of_keys_names_every_key(page: Page) -> None:
    page.keyboard.press("?")
    listed = page.locator("#keys dl").inner_text()
    for words in (
        "place the marked",
        "go to a completion",
        "undo",
        "all bad",
        "you cannot judge",
        "side by side",
    ):
        assert words in listed
    for key in ("1", "9", "A", "0", "Z", "X", "T", "V", "G", "S", "Enter", "?"):
        assert page.locator("#keys .key", has_text=key).count() > 0, key
