"""What tests of every part share: a real browser, a web server, and a look at what they leave behind."""

import gc
import os
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connections
from kombu import pools
from playwright.sync_api import Browser, expect, sync_playwright
from whitenoise.middleware import WhiteNoiseMiddleware

from config import celery
from tests import emptying, locking, order, outliving, worlds
from tests.browser.chromium import launch
from tests.served import GatedServer


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One for all tests of a session; each has contexts of its own."""
    # Playwright's loop runs in this thread, and Django would refuse to read the database beside it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    # Longer than Playwright's own five seconds, for a machine that is busy with something else.
    expect.set_options(timeout=20_000)
    # While Playwright's loop runs, Django has other connections than before and after it: none is left open between.
    connections.close_all()
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()
        connections.close_all()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


def pytest_configure(config: pytest.Config) -> None:
    """Passwords cost nothing here: hashing one well takes a third of a second, on purpose."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    if not getattr(config.option, "numprocesses", None):  # who hands out the tests collects none
        gc.disable()  # until they are collected: all that is loaded meanwhile stays
    _list_static_files_once()
    locking.watch()
    emptying.delete_rows_instead_of_truncating()


def _list_static_files_once() -> None:
    """Every test's client is a web process of its own to WhiteNoise, and listing the files takes longer than a page."""
    list_files = WhiteNoiseMiddleware.add_files_from_finders
    listed: dict[str, dict[str, object]] = {}

    def share(middleware: WhiteNoiseMiddleware) -> None:
        if middleware.static_prefix not in listed:
            list_files(middleware)
            listed[middleware.static_prefix] = middleware.files
        middleware.files = listed[middleware.static_prefix]

    WhiteNoiseMiddleware.add_files_from_finders = share


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes long begins first (tests.order)."""
    worlds.refuse_both(items)
    workers: int = getattr(config, "workerinput", {}).get("workercount", 1)
    items[:] = order.spread(items, workers)


def pytest_collection_finish(session: pytest.Session) -> None:
    """What libraries and tests hold by now stays to the end: a collector that looks at it again and again takes a tenth
    of the processor's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    gc.enable()


@pytest.fixture(scope="session")
def _server(django_db_setup: None) -> Iterator[GatedServer]:
    server = GatedServer()
    yield server
    server.stop()


@pytest.fixture
def live_server(_server: GatedServer, transactional_db: None) -> Iterator[GatedServer]:
    """pytest-django's, for one test: it answers nothing before it, and nothing after it."""
    _server.gate.open()
    yield _server
    _server.drain()


@pytest.fixture(autouse=True)
def _nothing_outlives_the_test(request: pytest.FixtureRequest) -> Iterator[None]:
    """No thread and no child of the test's goes on after it."""
    before = outliving.present()
    yield
    assert outliving.outlived(before) == []


@pytest.fixture(autouse=True)
def _nothing_is_opened_under_a_lock() -> Iterator[None]:
    """Whatever a function of the write path does in a test: whoever wants a row of its waits for no file of its."""
    locking.seen()
    yield
    assert locking.seen() == []


@pytest.fixture(autouse=True)
def _no_connection_outlives_the_test(request: pytest.FixtureRequest) -> Iterator[None]:
    """Nor does a connection to the database: emptying it would wait for that one, or it for the emptying."""
    # Asked for by name, so that this is looked at after everything else of the test and before the database is emptied.
    if "transactional_db" in request.fixturenames or _is_transactional(request):
        request.getfixturevalue("transactional_db")
        yield
        assert outliving.connections() == []
    else:
        yield


def _is_transactional(request: pytest.FixtureRequest) -> bool:
    marker = request.node.get_closest_marker("django_db")
    return marker is not None and bool(marker.kwargs.get("transaction"))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Celery's messages go to the tests' database too, and no connection of its outlives them."""
    celery.configure()
    yield
    pools.reset()
    celery.app._pool = celery.app.amqp._producer_pool = None
