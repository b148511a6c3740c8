"""The rooms of a project on a narrow screen: the one that somebody is in can be seen, and what is cut off says so."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from tests.annotation.factories import make_project, put, ranking
from tests.browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(("path", "room"), [("", "Loop"), ("runs/", "Runs"), ("settings/", "Settings")])
def test_the_room_one_is_in_is_in_sight(visit: Visit, path: str, room: str) -> None:
    make_project("helpful")
    olivia = User.objects.create_superuser("olivia")
    page = visit(f"/admin/projects/helpful/{path}", olivia, viewport={"width": 360, "height": 700})
    here = page.locator(".tabs [aria-current]")
    expect(here).to_have_text(room)
    expect(here).to_be_in_viewport(ratio=1)
    width, room_for = page.locator(".tabs").evaluate("tabs => [tabs.scrollWidth, tabs.clientWidth]")
    assert width > room_for  # or nothing was shown by it


def test_the_newest_days_are_in_sight_beside_the_names(visit: Visit) -> None:
    project = make_project("helpful")
    put(project, "rankings", *(ranking(f"prompt {number}", 1, 2, annotator="ann") for number in range(3)))
    olivia = User.objects.create_superuser("olivia")
    page = visit("/admin/projects/helpful/", olivia, viewport={"width": 360, "height": 700})
    days = page.get_by_role("region", name="Rankings a day by person")
    today = days.get_by_role("link", name="3").first
    today.scroll_into_view_if_needed()
    name = days.get_by_text("ann", exact=True)
    for part in (today, name):
        expect(part).to_be_in_viewport(ratio=1)
    width, room_for = days.evaluate("part => [part.scrollWidth, part.clientWidth]")
    assert width > room_for  # or nothing was shown by it
    # What stands under the middle of the name is the name: no day lies over it.
    assert name.evaluate(
        """name => {
          const box = name.getBoundingClientRect();
          return document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2) === name;
        }"""
    )
