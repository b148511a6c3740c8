"""The board holds still: reading order is rank order and nothing moves but what is moved, at every size of a screen."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, ViewportSize, expect

from tests.annotation.factories import have_read, make_member, make_project, put
from tests.browser.conftest import Visit
from tests.browser.layout import overhang, wait_until_still
from tests.browser.ranking import tiers, wait_until_ready

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SIZES = [
    (320, 568),
    (360, 640),
    (390, 844),
    (640, 360),
    (768, 1024),
    (844, 390),
    (1024, 768),
    (1280, 640),
    (1280, 800),
    (1440, 900),
    (1920, 1080),
    (2560, 1440),
]
# Boxes as [left, top, width, height], in pixels of the page; what sticks to the screen is asked where it is on it.
BOXES = """() => {
    const box = (node, x, y) => {
        const at = node.getBoundingClientRect();
        return [at.left + x, at.top + y, at.width, at.height].map(Math.round);
    };
    const all = (selector) => [...document.querySelectorAll(selector)];
    return {
        completions: all(".completion").map((one) => box(one, scrollX, scrollY)),
        chips: all(".chip").map((one) => box(one, scrollX, scrollY)),
        slots: all(".slot").map((one) => box(one, 0, 0).filter((_, i) => i !== 1)),
        tops: all(".slot").map((one) => box(one, 0, 0)[1]),
        tokens: all(".token").map((one) => [one.dataset.letter, ...box(one, 0, 0)]),
    };
}"""


@pytest.fixture
def alice() -> User:
    project = make_project("helpful", guidelines="Be kind.")
    texts = ["A short one.", "Of some words more. " * 12, "Middling words here. " * 5, "The last. " * 30]
    line = {"prompt": "Say something of the sea. " * 6, "completions": [{"text": text} for text in texts]}
    put(project, "completions", line)
    nine = {"prompt": "Count.", "completions": [{"text": f"{number} " * 40} for number in range(9)]}
    put(project, "completions", {**nine, "priority": -1})
    user = make_member(project, name="alice")
    have_read(project, user)
    return user


@pytest.fixture
def page(visit: Visit, alice: User) -> Page:
    opened = visit("/projects/helpful/rank/", alice)
    wait_until_ready(opened)
    return opened


def look(page: Page) -> dict[str, Any]:
    wait_until_still(page)
    boxes: dict[str, Any] = page.evaluate(BOXES)
    return boxes


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_nothing_moves_but_what_is_placed_and_the_order_reads_from_left_to_right(page: Page) -> None:
    for width, height in SIZES:
        page.set_viewport_size(ViewportSize(width=width, height=height))
        _judge(page, f"{width}x{height}")
        # As it was before the first of them was placed.
        press(page, *"a0b0d0")
        expect(page.locator(".token")).to_have_count(0)


def _judge(page: Page, size: str) -> None:
    before = look(page)
    assert before["tokens"] == [], size
    assert len(set(before["tops"])) == 1, size
    assert before["slots"] == sorted(before["slots"]), size
    press(page, "a")
    for count, key in enumerate("3142", start=1):
        press(page, key)
        after = look(page)
        assert after["completions"] == before["completions"], size
        assert after["chips"] == before["chips"], size
        assert after["slots"] == before["slots"], size
        assert len(after["tokens"]) == count, size
    assert tiers(page) == [["B"], ["D"], ["A"], ["C"]], size
    # As they are read: each further to the right than the better one, all in one row.
    lefts = {letter: left for letter, left, *_ in after["tokens"]}
    assert sorted(lefts, key=lambda letter: lefts[letter]) == ["B", "D", "A", "C"], size
    assert len({top for _, _, top, *_ in after["tokens"]}) == 1, size
    # A tie is one slot with two, and one that goes back leaves everything where it is.
    press(page, "c", "1")
    tied = look(page)
    press(page, "c", "0")
    back = look(page)
    assert tied["completions"] == back["completions"] == before["completions"], size
    assert overhang(page) == 0, size


def test_nine_places_stand_in_one_row_on_a_small_phone(page: Page) -> None:
    press(page, "1", "2", "3", "4", "Enter")
    expect(page.locator(".completion")).to_have_count(9)
    page.set_viewport_size(ViewportSize(width=320, height=568))
    before = look(page)
    assert len(set(before["tops"])) == 1
    press(page, *"987654321")
    after = look(page)
    assert after["completions"] == before["completions"]
    shown = page.locator(".completion").evaluate_all("cards => cards.map(card => card.dataset.letter)")
    assert [letter for letter, *_ in after["tokens"]] == shown[::-1]
    assert overhang(page) == 0


def test_what_may_be_said_beside_an_order_stands_in_one_line(page: Page) -> None:
    for width, height in ((1440, 900), (1920, 1080)):
        page.set_viewport_size(ViewportSize(width=width, height=height))
        wait_until_still(page)
        middles = page.locator(".verdict, .bar__confidence, .bar__rationale, .bar__end").evaluate_all(
            "parts => parts.map(part => part.getBoundingClientRect()).map(({ top, bottom }) => (top + bottom) / 2)"
        )
        assert max(middles) - min(middles) < 12, width
