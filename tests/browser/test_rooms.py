"""The rooms of a project on a narrow screen: the one that somebody is in can be seen, and what is cut off says so."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from tests.annotation.factories import make_project
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
