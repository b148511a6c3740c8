"""What tests of every part share: a real browser."""

import os
import shutil
from collections.abc import Iterator

import pytest
from kombu import pools
from playwright.sync_api import Browser, sync_playwright

from config import celery

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, or Playwright's own; its absence is an error, never a skip."""
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    # Chromium's sandbox does not work as root.
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    # Playwright's loop runs in this thread, and Django would refuse to read the database beside it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=flags)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Celery's messages go to the tests' database too, and no connection of its outlives them."""
    celery.configure()
    yield
    pools.reset()
    celery.app._pool = celery.app.amqp._producer_pool = None
