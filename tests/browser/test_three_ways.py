"""The three ways of ranking (dragging, the keyboard alone, a screen reader), each at a desk and on a phone."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import CDPSession, Locator, Page, expect

from annotation.models import Project, Ranking
from tests.annotation.factories import make_member, make_project, make_tasks
from tests.browser.conftest import Visit
from tests.browser.layout import wait_until_still
from tests.browser.ranking import assignment_of, tiers, tray, wait_for_another, wait_until_ready

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RANK = "/projects/helpful/rank/"
DEVICES: dict[str, dict[str, Any]] = {
    "desk": {"viewport": {"width": 1440, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}
Drag = Callable[[Locator, Locator], None]


@pytest.fixture
def project() -> Project:
    helpful = make_project("helpful", name="Helpful answers")
    make_tasks(helpful, 2, completions=4)
    return helpful


@pytest.fixture
def alice(project: Project) -> User:
    return make_member(project, name="alice")


@pytest.fixture(params=DEVICES)
def device(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(visit: Visit, alice: User, device: str) -> Page:
    opened = visit(RANK, alice, **DEVICES[device])
    wait_until_ready(opened)
    return opened


def stored_tiers() -> list[int]:
    """The tiers of the one ranking there is, by letter."""
    ranking = Ranking.objects.get()
    assert ranking.order_shown is not None
    return [ranking.tiers[place] for place in ranking.order_shown]


def test_by_the_keyboard_alone_four_completions_take_five_presses(page: Page) -> None:
    page.evaluate("window.presses = 0; addEventListener('keydown', () => { presses += 1; }, true)")
    page.evaluate("addEventListener('pointerdown', () => { presses += 1000; }, true)")
    before = assignment_of(page)
    for key in ("3", "1", "4", "1", "Enter"):
        page.keyboard.press(key)
    wait_for_another(page, before)
    assert page.evaluate("presses") == 5
    # B and D share the first place: A 3, C 4 become the second and the third tier.
    assert stored_tiers() == [2, 1, 3, 1]


def test_by_dragging(page: Page, device: str) -> None:
    drag = with_a_finger(page) if device == "phone" else with_a_mouse(page)
    before = assignment_of(page)
    for letter, place in (("D", 1), ("B", 2), ("A", 2), ("C", 4)):
        head = page.locator(f'.completion[data-letter="{letter}"] .letter')
        drag(head, page.locator(f'.slot > .cards[data-rank="{place}"]'))
    assert tiers(page) == [["D"], ["A", "B"], [], ["C"]]
    drag(page.locator('.token[data-letter="B"]'), page.locator('.slot > .cards[data-rank="3"]'))
    assert tiers(page) == [["D"], ["A"], ["B"], ["C"]]
    submit = page.get_by_role("button", name="Submit")
    if device == "phone":
        submit.tap()
    else:
        submit.click()
    wait_for_another(page, before)
    assert stored_tiers() == [2, 3, 4, 1]


def with_a_mouse(page: Page) -> Drag:
    def drag(what: Locator, where: Locator) -> None:
        what.hover()
        page.mouse.down()
        x, y = _middle(where)
        page.mouse.move(x, y, steps=12)
        expect(page.locator(".is-dragging")).to_have_count(1)
        wait_until_still(page)
        page.mouse.up()
        expect(page.locator(".is-dragging")).to_have_count(0)

    return drag


def with_a_finger(page: Page) -> Drag:
    """Chromium's own touches: what a screen sends, and nothing of a mouse."""
    screen = page.context.new_cdp_session(page)

    def drag(what: Locator, where: Locator) -> None:
        # As far up as brings both onto the screen.
        what.evaluate("(element) => element.scrollIntoView({ block: 'start' })")
        wait_until_still(page)
        x, y = _middle(what)
        _touch(screen, "touchStart", x, y)
        # A finger that scrolls does not wait; one that takes a card up does.
        expect(page.locator(".sortable-chosen")).to_have_count(1)
        for _ in range(200):
            to_x, to_y = _middle(where)
            bottom = page.evaluate("innerHeight") - 130
            step_x, step_y = to_x - x, min(to_y, bottom) - y
            x, y = x + max(-40, min(40, step_x)), y + max(-40, min(40, step_y))
            _touch(screen, "touchMove", x, y)
            page.wait_for_timeout(20)
            if abs(to_x - x) < 2 and abs(to_y - y) < 2:
                break
            if to_y > bottom and abs(bottom - y) < 2:
                page.mouse.wheel(0, 80)
        wait_until_still(page)
        _touch(screen, "touchEnd")
        expect(page.locator(".is-dragging")).to_have_count(0)

    return drag


def _touch(screen: CDPSession, kind: str, *at: float) -> None:
    points = [{"x": at[0], "y": at[1]}] if at else []
    screen.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def _middle(element: Locator) -> tuple[float, float]:
    """Near its upper edge, where a slot that grows under the card still is."""
    box = element.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + min(box["height"] / 2, 20)


def test_by_taps_on_a_cards_places(page: Page, device: str) -> None:
    before = assignment_of(page)
    for letter, place in zip("ABCD", (4, 3, 2, 1), strict=True):
        chip = page.get_by_role("button", name=f"{letter} to place {place}", exact=True)
        if device == "phone":
            chip.tap()
        else:
            chip.click()
    page.get_by_role("button", name="Submit").click()
    wait_for_another(page, before)
    assert stored_tiers() == [4, 3, 2, 1]


def test_by_a_screen_reader(page: Page) -> None:
    """By roles and names alone, without single keys; everything that happens is said once, in the live region."""
    page.evaluate(
        """() => {
          window.said = [];
          const region = document.getElementById("announcer");
          new MutationObserver(() => region.textContent && said.push(region.textContent))
            .observe(region, { childList: true, characterData: true, subtree: true });
        }"""
    )
    assert page.locator("#announcer").get_attribute("aria-live") == "polite"
    main = page.get_by_role("main")
    expect(main.get_by_role("region", name="Prompt")).to_be_visible()
    expect(main.get_by_role("region", name="Completions 4 to place")).to_be_visible()
    for letter in "ABCD":
        expect(main.get_by_role("group", name=f"Completion {letter}", exact=True)).to_have_count(1)
    before = assignment_of(page)
    place(page, "C", 2)
    submit = page.get_by_role("button", name="Submit")
    expect(submit).to_have_accessible_description("A, B and D have no place yet.")
    submit.focus()
    page.keyboard.press("Enter")
    place(page, "A", 2)
    expect(page.get_by_role("button", name="Put A back")).to_be_visible()
    expect(page.get_by_role("region", name="Your order").get_by_role("listitem").nth(1)).to_contain_text("A")
    page.get_by_role("button", name="Undo").focus()
    page.keyboard.press("Enter")
    place(page, "A", 1)
    place(page, "B", 4)
    place(page, "D", 2)
    expect(submit).to_have_accessible_description("Ready to submit.")
    page.get_by_role("button", name="Submit").focus()
    page.keyboard.press("Enter")
    wait_for_another(page, before)
    assert stored_tiers() == [1, 3, 2, 2]
    expect(page.locator("#announcer")).to_have_text("The next task.")
    assert page.evaluate("said") == [
        "C is at place 2.",
        "A, B and D have no place yet.",
        "A is at place 2, tied with C.",
        "Undone.",
        "A is at place 1.",
        "B is at place 4.",
        "D is at place 2, tied with C. Every completion has a place: Enter submits.",
        "The next task.",
    ]
    # The reader stands where the next task begins.
    assert page.evaluate("document.activeElement.textContent") == "Prompt"
    assert tray(page) == ["A", "B", "C", "D"]


def place(page: Page, letter: str, number: int) -> None:
    """Press a card's button for a place, from the keyboard."""
    button = page.get_by_role("button", name=f"{letter} to place {number}", exact=True)
    button.focus()
    page.keyboard.press("Space")
    announced = "text => document.getElementById('announcer').textContent.startsWith(text)"
    page.wait_for_function(announced, arg=f"{letter} is at place {number}")
