"""The prompt beside the answers: open where it fits, its last turn in sight, and on a phone one press away wherever one
reads."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from annotation.models import Project
from tests.annotation.factories import have_read, make_member, make_project, put
from tests.browser.conftest import Visit
from tests.browser.ranking import wait_until_ready

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RANK = "/projects/helpful/rank/"
DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 640}}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
ANSWERS = [{"text": "One answer. " * 80}, {"text": "Another one. " * 80}]
LAST = "And what of the last one?"
DIALOGUE = [
    {"role": role, "content": f"Turn {number}. " + "Words of before. " * 30}
    for number in range(6)
    for role in ("user", "assistant")
] + [{"role": "user", "content": LAST}]


@pytest.fixture
def project() -> Project:
    return make_project("helpful", completions_per_task=2)


@pytest.fixture
def alice(project: Project) -> User:
    user = make_member(project, name="alice")
    have_read(project, user)
    return user


def opened(visit: Visit, alice: User, prompt: object, screen: dict[str, Any]) -> Page:
    put(alice.memberships.get().project, "completions", {"prompt": prompt, "completions": ANSWERS})
    page = visit(RANK, alice, **screen)
    wait_until_ready(page)
    return page


def in_sight(page: Page, words: str) -> bool:
    """Whether what says so lies within the prompt's box and the window."""
    seen: bool = page.get_by_text(words).first.evaluate(
        """one => {
            const box = one.getBoundingClientRect();
            const turns = document.getElementById("prompt-turns").getBoundingClientRect();
            return box.height > 0 && box.top >= turns.top - 1 && box.bottom <= Math.min(turns.bottom, innerHeight) + 1;
        }"""
    )
    return seen


def top_of_answers(page: Page) -> float:
    """Where the first answer begins, in pixels from the top of the window."""
    top: float = page.locator(".completion").first.evaluate("one => one.getBoundingClientRect().top")
    return top


def touch(page: Page, name: str) -> None:
    """A finger on a button where it is: locators scroll to what sticks."""
    box = page.get_by_role("button", name=name).bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    # The browser holds what is read in its place when it lays the page out.
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def test_a_short_prompt_is_open_on_a_phone(visit: Visit, alice: User) -> None:
    """Four lines take less than a quarter of the screen."""
    page = opened(visit, alice, "Which of these is the better one? " * 4 + "Say.", PHONE)
    expect(page.locator("[data-fold]")).to_be_hidden()
    box = page.locator("#prompt-turns .prose").bounding_box()
    assert box is not None
    assert box["height"] > 60
    assert page.locator(".prompt.is-folded").count() == 0


def test_a_long_one_folds_to_its_last_turn_and_is_a_press_away_wherever_one_reads(
    visit: Visit, alice: User
) -> None:
    page = opened(visit, alice, DIALOGUE, PHONE)
    assert in_sight(page, LAST)
    expect(page.get_by_text("Turn 0.").first).to_be_hidden()
    page.evaluate("scrollTo(0, 500)")
    place = top_of_answers(page)
    assert place < 0
    touch(page, "Show all")
    assert in_sight(page, LAST)
    assert abs(top_of_answers(page) - place) < 2
    page.locator("#prompt-turns").evaluate("turns => { turns.scrollTop = 0; }")
    expect(page.get_by_text("Turn 0.").first).to_be_in_viewport()
    touch(page, "Fold")
    assert abs(top_of_answers(page) - place) < 2
    assert in_sight(page, LAST)


def test_beside_the_answers_the_last_turn_is_in_sight(visit: Visit, alice: User) -> None:
    page = opened(visit, alice, DIALOGUE, DESK)
    assert in_sight(page, LAST)
    assert not in_sight(page, "Turn 0.")
