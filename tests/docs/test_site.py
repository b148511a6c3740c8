"""``make docs``: the pages as a site that leads nowhere wrong and asks nothing of the network."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PAGES = sorted((ROOT / "docs").rglob("*.md"))
# What a browser fetches by itself; <a> is what a reader follows.
FETCHED = {"audio", "embed", "iframe", "img", "input", "link", "object", "script", "source", "track", "video"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as the Makefile builds it."""
    folder = tmp_path_factory.mktemp("site")
    (command,) = re.findall(r"\$\(BIN\)/python (-m sphinx .*) build/docs\n", (ROOT / "Makefile").read_text())
    build = [sys.executable, *command.split(), str(folder / "html"), "-d", str(folder / "read")]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "html"


class _Fetched(HTMLParser):
    """The addresses of a page that a browser asks for without being told to."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in FETCHED:
            self.addresses += [value for name, value in attrs if value and name in {"src", "href", "data"}]


@pytest.mark.long
def test_every_page_is_in_the_site_and_none_fetches_anything_from_elsewhere(site: Path) -> None:
    remote = []
    for page in PAGES:
        html = (site / page.relative_to(ROOT / "docs")).with_suffix(".html").read_text()
        fetched = _Fetched()
        fetched.feed(html)
        assert len(fetched.addresses) > 3
        remote += [(page.name, address) for address in fetched.addresses if "//" in address]
    assert remote == []


@pytest.mark.long
def test_no_style_of_the_site_fetches_anything_from_elsewhere(site: Path) -> None:
    styles = list(site.rglob("*.css"))
    assert styles
    named = [
        re.findall(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^)\"']+)", one.read_text()) for one in styles
    ]
    assert [address for addresses in named for address in addresses] == []


@pytest.mark.long
def test_every_page_is_reached_from_the_first(site: Path) -> None:
    first = (site / "index.html").read_text()
    sidebar = first[first.index("sidebar-tree") :]
    pages = [str(page.relative_to(ROOT / "docs").with_suffix(".html")) for page in PAGES]
    assert [page for page in pages if page != "index.html" and f'href="{page}"' not in sidebar] == []
