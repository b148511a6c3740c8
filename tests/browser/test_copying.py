"""What is shown once is copied whole by its button; where a browser refuses, it is selected, and the button says so."""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from annotation.models import Project, Webhook
from tests.annotation.factories import make_member, make_project
from tests.browser.conftest import Visit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
REFUSING = "() => { navigator.clipboard.writeText = () => Promise.reject(new DOMException('no', 'NotAllowedError')); }"


@pytest.fixture
def project() -> Project:
    return make_project("helpful")


@pytest.fixture
def carol(project: Project) -> User:
    return make_member(project, "researcher", name="carol")


def invitation(visit: Visit, carol: User) -> tuple[Page, str]:
    """The page that shows the link of a new invitation, and the link."""
    page = visit("/admin/projects/helpful/people/", carol)
    page.get_by_text("Invite a person").click()
    page.get_by_label("E-mail").fill("bob@example.org")
    page.get_by_role("button", name=re.compile("^Invite")).click()
    return page, page.locator("#new-link").input_value()


def token(visit: Visit, carol: User) -> tuple[Page, str]:
    """The page that shows a new token, and the token."""
    page = visit("/account/tokens/", carol)
    page.get_by_label("Name").fill("notebook")
    page.locator("[name=scopes]").first.check()
    page.get_by_role("button", name="Make a token").click()
    return page, page.locator("#copied").inner_text()


def reset_link(visit: Visit, carol: User) -> tuple[Page, str]:
    """The page that shows a link for a new password, and the link."""
    User.objects.update(is_superuser=True, is_staff=True)
    page = visit(f"/account/{carol.pk}/reset-link/", carol)
    page.get_by_role("button", name="Make a link").click()
    return page, page.locator("#copied").inner_text()


def webhook(visit: Visit, carol: User) -> tuple[Page, str]:
    """The page that shows the secret of a new webhook, and the secret as it is stored."""
    page = visit("/admin/projects/helpful/webhooks/", carol)
    page.get_by_label("Address").fill("https://example.org/hook")
    page.locator("[name=events]").first.check()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", name="Copy the secret now")).to_be_visible()
    return page, Webhook.objects.get().secret


@pytest.mark.parametrize("open_page", [invitation, token, reset_link, webhook])
def test_what_is_shown_once_is_copied_whole(visit: Visit, carol: User, open_page: object) -> None:
    assert callable(open_page)
    page, secret = open_page(visit, carol)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert len(secret) > 30
    assert page.evaluate("navigator.clipboard.readText()") == secret


@pytest.mark.parametrize("open_page", [invitation, token])
def test_where_copying_is_refused_it_is_selected_and_said(
    visit: Visit, carol: User, open_page: object
) -> None:
    assert callable(open_page)
    page, secret = open_page(visit, carol)
    page.evaluate(REFUSING)
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("button", name="Selected: press Ctrl+C or ⌘C")).to_be_visible()
    # Chromium gives the selected part of a field as the selection too.
    assert page.evaluate("getSelection().toString()") == secret
