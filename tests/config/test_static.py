"""A page's modules in one file: what is put together, when it is served, and that it says what the modules say."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

from config import static
from config.finding import Finder

TREE = {
    "js/page.js": 'import { one } from "./parts/one.js";\nimport two from "./two.js";\nconsole.log(one, two);\n',
    "js/parts/one.js": 'import Drag from "../../sortablejs/drag.js";\nexport const one = `the ${new Drag()} first`;\n',
    "js/two.js": 'import { one } from "./parts/one.js";\nexport default `${one} and the second`;\n',
    "js/lone.js": 'document.title = "nobody imports me";\n',
    "css/page.css": "main { color: red }\n",
}
SCRIPT = re.compile(r"static '(js/[^']+)'")
IMPORT = re.compile(r"""^import\b[^"']*["']([^"']+)["']|\bfrom ?["']([^"']+)["']""", re.MULTILINE)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A checkout with esbuild and a package, and without bundles."""
    for name, text in TREE.items():
        path = tmp_path / "static" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "package-lock.json").write_text("{}")
    package = tmp_path / "node_modules" / "sortablejs" / "modular"
    package.mkdir(parents=True)
    (package / "drag.js").write_text('export default class { toString() { return "dragged"; } }\n')
    (tmp_path / "node_modules" / "@esbuild").symlink_to(settings.BASE_DIR / "node_modules" / "@esbuild")
    static.static_version.cache_clear()
    yield tmp_path
    static.static_version.cache_clear()


def within(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_script_that_imports_others_holds_them_all_and_others_stay_as_they_are(root: Path) -> None:
    bundles = static.bundle(root)
    assert within(bundles) == {"js/page.js", "js/page.js.map"}
    text = (bundles / "js" / "page.js").read_text()
    for words in ("dragged", "first", "and the second"):
        assert words in text
    assert not IMPORT.search(text)
    assert static.inlined(root, bundled=True) == {"js/parts/one.js", "js/two.js", "sortablejs/drag.js"}


def test_bundles_are_served_first_under_an_address_of_their_own(root: Path) -> None:
    bundles = static.bundle(root)
    unbundled = static.folders(root, bundled=False)
    assert unbundled[0] == root / "static"
    assert static.folders(root, bundled=True) == [bundles, *unbundled]
    assert static.inlined(root, bundled=False) == frozenset()
    # A browser that has kept the modules of this release asks for the bundle all the same.
    assert static.address(root, bundled=True) != static.address(root, bundled=False)


def test_a_script_that_has_changed_is_in_no_bundle(root: Path) -> None:
    bundles, address = static.bundle(root), static.address(root, bundled=True)
    (root / "static" / "js" / "two.js").write_text("export default 'changed';\n")
    static.static_version.cache_clear()
    assert not static.bundles_of(root).exists()
    assert static.address(root, bundled=True) != address
    assert "changed" in (static.bundle(root) / "js" / "page.js").read_text()
    assert "changed" not in (bundles / "js" / "page.js").read_text()


def test_what_is_there_is_not_made_again(root: Path) -> None:
    bundles = static.bundle(root)
    (root / "node_modules" / "@esbuild").unlink()
    assert static.bundle(root) == bundles


@pytest.mark.parametrize("fault", ["no esbuild", "no such module"])
def test_where_nothing_can_be_put_together_nothing_is_left(root: Path, fault: str) -> None:
    expected: tuple[type[Exception], str]
    if fault == "no esbuild":
        (root / "node_modules" / "@esbuild").unlink()
        expected = FileNotFoundError, "npm installed no esbuild for this machine"
    else:
        (root / "static" / "js" / "two.js").unlink()
        expected = subprocess.CalledProcessError, "two.js"
    with pytest.raises(expected[0]) as raised:
        static.bundle(root)
    assert expected[1] in str(getattr(raised.value, "stdout", b"") or raised.value)
    assert within(root / "build") == set()
    assert not static.bundles_of(root).exists()


def test_what_is_in_a_bundle_is_not_among_the_files_but_can_be_found(settings: Any) -> None:
    settings.INLINED_SCRIPTS = {"js/task/words.js", "uplot/uPlot.min.css"}
    names = set()
    for name, storage in Finder().list(None):
        prefix = getattr(storage, "prefix", "")
        names.add(f"{prefix}/{name}" if prefix else name)
    assert not names & settings.INLINED_SCRIPTS
    assert {"js/task/page.js", "uplot/uPlot.iife.min.js", "css/base.css"} <= names
    assert finders.find("js/task/words.js")


def test_no_script_that_a_page_names_asks_for_another_once_it_is_bundled() -> None:
    root = Path(settings.BASE_DIR)
    bundles = static.bundle(root)
    named = {
        name for page in (root / "templates").rglob("*.html") for name in SCRIPT.findall(page.read_text())
    }
    assert {"js/task/page.js", "js/task/review.js", "js/run/page.js", "js/boot.js"} <= named
    for name in named:
        served = next(path for path in (bundles / name, root / "static" / name) if path.is_file())
        assert not IMPORT.search(served.read_text()), name
    assert not named & static.inlined(root, bundled=True)
