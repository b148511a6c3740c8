"""Concord under a path of its own, which a proxy passes on or strips; and which release static files are of."""

import json
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.exceptions import ImproperlyConfigured

from config import env
from config.static import static_version
from tests.annotation.factories import PASSWORD, make_project, make_user
from tests.webserver import web

LINK = re.compile(r'(?:href|src|action)="([^"#]+)"')
IMPORT = re.compile(r'^import .* from "([^"]+)";', re.MULTILINE)


class Browser:
    """As far as log-in needs one; it keeps cookies and follows where it is sent."""

    def __init__(self, port: int) -> None:
        self.origin = f"http://localhost:{port}"
        self.cookies = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def open(self, path: str, **fields: str) -> tuple[str, str, dict[str, str]]:
        """The path at which it ends, the text there and the headers."""
        data = urllib.parse.urlencode(fields).encode() if fields else None
        request = urllib.request.Request(self.origin + path, data, {"Referer": self.origin})
        with self._opener.open(request, timeout=60) as answer:
            path = answer.url.removeprefix(self.origin)
            return path, answer.read().decode(), dict(answer.headers)


@pytest.fixture
def browser(transactional_db: None) -> Iterator[Browser]:
    """Before a server that is shown under /concord."""
    with web(CONCORD_PATH="/concord") as (port, _):
        browser = Browser(port)
        deadline = time.monotonic() + 60
        while True:
            try:
                browser.open("/login/")
                break
            except URLError:
                assert time.monotonic() < deadline, "the web server does not answer"
                time.sleep(0.05)
        yield browser


def assert_links_hold(browser: Browser, page: str, way: str) -> None:
    """Every link of ``page`` is under the path, and its styles and scripts are there and kept for good."""
    links = [link for link in LINK.findall(page) if not link.startswith("?")]
    assert len(links) > 5
    assert [link for link in links if not link.startswith("/concord/")] == []
    for link in {link for link in links if "/static/" in link}:
        served, text, headers = browser.open(way + link.removeprefix("/concord"))
        assert "immutable" in headers["Cache-Control"], served
        for module in IMPORT.findall(text):
            browser.open(urllib.parse.urljoin(served, module))


@pytest.mark.processes
def test_pages_styles_scripts_and_log_in_work_under_a_path(browser: Browser) -> None:
    make_project()
    user = make_user("alice", is_superuser=True, is_staff=True)
    # The server does not know the tests' own hashes.
    user.password = PBKDF2PasswordHasher().encode(PASSWORD, "salt", iterations=1)
    user.save()
    _, page, _ = browser.open("/concord/login/?next=/concord/admin/")
    assert_links_hold(browser, page, "/concord")
    token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[0]
    fields = {"username": "alice", "password": PASSWORD, "csrfmiddlewaretoken": token}
    path, page, _ = browser.open("/concord/login/?next=/concord/admin/", **fields)
    assert path == "/concord/admin/"
    assert {cookie.path for cookie in browser.cookies} == {"/concord/"}
    assert_links_hold(browser, page, "/concord")
    # The browser's worker answers for what is below this address, and knows the others by theirs.
    shell = json.loads(
        browser.open("/concord/task-worker.js")[1].partition(";\n")[0].removeprefix("self.shell = ")
    )
    assert (shell["root"], shell["login"], shell["offline"]) == (
        "/concord/",
        "/concord/login/",
        "/concord/offline/",
    )
    assert {file.split("/static/")[0] for file in shell["files"]} == {"/concord"}


@pytest.mark.processes
def test_a_proxy_may_strip_the_path(browser: Browser) -> None:
    assert_links_hold(browser, browser.open("/login/")[1], "")
    with pytest.raises(HTTPError) as missing:
        browser.open("/concordance/")
    assert 'href="/concord/"' in missing.value.read().decode()


@pytest.mark.parametrize("value", ["concord", "https://example.org/concord", "/con cord", "/..", "/a?b"])
def test_what_is_no_path_is_refused_in_words(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONCORD_PATH", value)
    with pytest.raises(ImproperlyConfigured, match=r"CONCORD_PATH=.*must be a path alone, as /concord"):
        env.path("CONCORD_PATH")


def test_a_changed_file_is_another_version(tmp_path: Path) -> None:
    script, lock = tmp_path / "static" / "js" / "page.js", tmp_path / "package-lock.json"
    script.parent.mkdir(parents=True)
    versions = set()
    for words, packages in (("one", "{}"), ("two", "{}"), ("two", '{"uplot": 2}')):
        script.write_text(words)
        lock.write_text(packages)
        static_version.cache_clear()
        versions.add(static_version(tmp_path))
    assert len(versions) == 3
    static_version.cache_clear()
    assert static_version(tmp_path) in versions, "the same files are the same version"
