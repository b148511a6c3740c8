"""Reading data by keys: down a list, into a row, through the filters and out of them."""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import ViewportSize, expect

from tests.annotation.factories import make_project, put
from tests.browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LIST = "/admin/projects/helpful/data/prompts/"


@pytest.fixture
def olivia() -> User:
    project = make_project("helpful", name="Helpful answers")
    put(project, "prompts", *({"prompt": f"A {fruit}, or none?"} for fruit in ("pear", "fig", "plum")))
    return User.objects.create_superuser("olivia")


def test_the_arrows_go_down_a_list_and_enter_opens_a_row(visit: Visit, olivia: User) -> None:
    page = visit(LIST, olivia)
    page.get_by_role("link", name="A plum, or none?").focus()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("link", name="A plum, or none?")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="A pear, or none?")).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator(".datum .prose").first).to_have_text("A fig, or none?")


def test_a_filter_is_set_by_the_form_kept_in_the_address_and_taken_away(visit: Visit, olivia: User) -> None:
    page = visit(LIST, olivia)
    page.get_by_label("Words").fill("plum")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"[?&]q=plum"))
    expect(page.locator(".lines tbody tr")).to_have_count(1)
    page.get_by_text("More filters").click()
    page.get_by_label("Until").fill("2020-01-01")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("Nothing matches all of these filters")).to_be_visible()
    page.get_by_role("link", name="Until: 2020-01-01").click()
    expect(page.locator(".lines tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Words: plum").click()
    expect(page.locator(".lines tbody tr")).to_have_count(3)


def test_on_a_phone_a_line_is_read_whole_and_pressed_anywhere(visit: Visit, olivia: User) -> None:
    page = visit(LIST, olivia, viewport=ViewportSize(width=360, height=640))
    link = page.get_by_role("link", name="A fig, or none?")
    box = link.bounding_box()
    assert box is not None
    assert box["height"] >= 24
    assert link.evaluate("(a) => a.scrollWidth <= a.clientWidth && a.scrollHeight <= a.clientHeight")
