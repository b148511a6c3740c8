"""A person at a browser. Whatever a page complains about to the console fails the test, CSP violations included."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from annotation.models import Project
from tests.annotation.factories import make_member
from tests.browser.ranking import wait_until_ready

# Answers that the pages expect are no fault of theirs, but Chromium reports them as errors all the same.
EXPECTED = (
    "the server responded with a status of 4",
    "net::ERR_INTERNET_DISCONNECTED",
    "net::ERR_CONNECTION_RESET",
    # Chromium looks for a newer service worker after each page by itself: a test that takes the network away, or closes
    # the page, may do so in the midst of it. That the worker is there is tested by what it serves without a network.
    "An unknown error occurred when fetching the script.",
)
Visit = Callable[..., Page]


@pytest.fixture
def complaints() -> list[str]:
    """What pages said to the console; a test that provokes a complaint empties it."""
    return []


@pytest.fixture
def visit(chromium: Browser, live_server: Any, complaints: list[str]) -> Iterator[Visit]:
    """``visit(path, user, **options of the browser's context)`` opens a page as ``user``; the same ``context`` again
    where one is given."""
    contexts: list[BrowserContext] = []

    def open_page(
        path: str, user: User | None = None, context: BrowserContext | None = None, **options: Any
    ) -> Page:
        if context is None:
            context = chromium.new_context(base_url=live_server.url, **options)
            context.set_default_timeout(20_000)
            contexts.append(context)
            if user is not None:
                log_in(context, live_server.url, user)
        page = context.new_page()
        page.on("console", lambda message: _note(complaints, message))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def alice(project: Project) -> User:
    """She annotates the ``project`` of the test's own file."""
    return make_member(project, name="alice")


@pytest.fixture
def page(visit: Visit, alice: User) -> Page:
    """Her task to rank, once the page's script has taken over."""
    opened = visit("/projects/helpful/rank/", alice)
    wait_until_ready(opened)
    return opened


def log_in(context: BrowserContext, url: str, user: User) -> None:
    """Give a browser the session of ``user``."""
    client = Client()
    client.force_login(user)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": url}])


def _note(complaints: list[str], message: ConsoleMessage) -> None:
    if message.type == "error" and not _is_expected(message):
        complaints.append(f"{message.text} {message.location['url']}")


def _is_expected(message: ConsoleMessage) -> bool:
    # The worker of the pages answers so for the next task where it is without a connection and has none; a page can be
    # back before its worker is.
    if message.text.endswith("net::ERR_FAILED"):
        return message.location["url"].endswith("/rank/ahead/")
    return any(expected in message.text for expected in EXPECTED)
