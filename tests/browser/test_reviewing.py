"""A second person's review in a real browser: by keys, by a finger on a phone, without scripts."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from annotation.collecting import asking
from annotation.files import intake
from annotation.models import Demonstration, Project
from tests.annotation.factories import have_read, make_member, make_project, put
from tests.annotation.test_demonstrating import written
from tests.browser.conftest import Visit
from tests.browser.layout import overhang, small_targets
from tests.browser.ranking import notice

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

REVIEW = "/projects/helpful/review/"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def project() -> Project:
    """Two answers of somebody else that wait for a reader."""
    helpful = make_project("helpful", name="Helpful answers", guidelines="Prefer **true** answers.")
    asking.change(
        project=helpful,
        rating_axes=helpful.rating_axes,
        ask_strength=False,
        review_demonstrations=True,
        demonstration_least_characters=1,
    )
    helpful.refresh_from_db()
    put(helpful, "prompts", {"prompt": "What is a leap year?"}, {"prompt": "What is rain?"})
    intake.create_tasks(project=helpful, kind="demonstrate")
    for text in ("It has 366 dayz.", "Water that falls."):
        written(helpful, text)
    return helpful


@pytest.fixture
def bob(project: Project) -> User:
    user = make_member(project, name="bob")
    have_read(project, user)
    return user


def ready(page: Page) -> Page:
    """The script listens when it has measured what sticks."""
    page.wait_for_load_state("load")
    expect(page.locator("#review")).to_be_visible()
    return page


def decided() -> list[tuple[str, str, str]]:
    rows = Demonstration.objects.current().exclude(review="waiting").order_by("reviewed_at")
    return list(rows.values_list("text", "review", "comment"))


def test_by_keys_words_are_changed_and_each_is_decided(visit: Visit, project: Project, bob: User) -> None:
    page = ready(visit(REVIEW, bob))
    words = page.get_by_label("The answer with your changes")
    expect(words).to_be_hidden()
    page.keyboard.press("e")
    expect(words).to_be_focused()
    words.fill("It has 366 days.")
    # In a text they are letters.
    page.keyboard.type(" abc")
    assert decided() == []
    page.keyboard.press("Escape")
    expect(words).not_to_be_focused()
    page.keyboard.press("a")
    expect(notice(page, "Accepted.")).to_be_visible()
    assert decided() == [("It has 366 days. abc", "accepted", "")]

    ready(page)
    page.keyboard.press("b")
    expect(page.get_by_role("alert")).to_contain_text("Say what should be different")
    ready(page)
    page.keyboard.press("c")
    expect(page.get_by_label("Comment")).to_be_focused()
    page.keyboard.type("Say from where.")
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    expect(notice(page, "Sent back to its author")).to_be_visible()
    expect(page.get_by_role("heading", name="Nothing to review")).to_be_visible()
    assert decided()[1:] == [("Water that falls.", "sent_back", "Say from where.")]


def test_by_a_finger_on_a_phone(visit: Visit, project: Project, bob: User) -> None:
    page = ready(visit(REVIEW, bob, **PHONE))
    assert overhang(page) == 0
    assert small_targets(page, 40) == []
    page.get_by_text("Change words before you accept it").tap()
    page.get_by_label("The answer with your changes").fill("It has 366 days.")
    page.get_by_role("button", name="Accept").tap()
    expect(notice(page, "Accepted.")).to_be_visible()
    page.get_by_label("Comment").tap()
    page.keyboard.type("Say from where.")
    page.get_by_role("button", name="Send back").tap()
    expect(notice(page, "Sent back to its author")).to_be_visible()
    assert decided() == [
        ("It has 366 days.", "accepted", ""),
        ("Water that falls.", "sent_back", "Say from where."),
    ]


def test_without_scripts(visit: Visit, project: Project, bob: User) -> None:
    page = visit(REVIEW, bob, java_script_enabled=False)
    page.get_by_role("button", name="Send back").click()
    expect(page.get_by_role("alert")).to_contain_text("Say what should be different")
    page.get_by_label("Comment").fill("Count again.")
    page.get_by_role("button", name="Send back").click()
    expect(notice(page, "Sent back to its author")).to_be_visible()
    page.get_by_text("Change words before you accept it").click()
    page.get_by_label("The answer with your changes").fill("Water that falls from clouds.")
    page.get_by_role("button", name="Accept").click()
    expect(notice(page, "Accepted.")).to_be_visible()
    assert decided() == [
        ("It has 366 dayz.", "sent_back", "Count again."),
        ("Water that falls from clouds.", "accepted", ""),
    ]
