"""The map of the code: what docs/architecture.md names is there, and lists of a package's modules are whole."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
# The last part names the files of a run's folder.
ARCHITECTURE, _, _ = (ROOT / "docs" / "architecture.md").read_text().partition("## Files that packages hand")
PACKAGES = ("config", "console", "demo", "rltrainer", "rewardmodel", "annotation", "lm", "runs", "tests")
# A path, or a module by its name: `files/intake/sampled.py`, `annotation.withdrawal.lineage`.
PATH = re.compile(r"`((?:[a-z_]+/)*[a-z_]+(?:\.py|\.js|/))[:`]")
MODULE = re.compile(rf"`((?:{'|'.join(PACKAGES)})(?:\.[A-Za-z_]+)+)(?:\([^`]*\))?`")
LISTED = re.compile(r"(?<![\w/])([a-z_]+\.py)\b")
# What Django calls so, and what starts a package that runs.
ALWAYS = {"__init__.py", "__main__.py", "apps.py", "urls.py"}
FILES = [
    path.relative_to(ROOT).as_posix() for name in (*PACKAGES, "static") for path in (ROOT / name).rglob("*")
]


def is_there(name: str) -> bool:
    """Whether a module, or a name of a module, can be reached by ``name``; read, not imported."""
    folder, parts = ROOT, name.split(".")
    for place, part in enumerate(parts):
        if (folder / part).is_dir():
            folder /= part
            continue
        file = folder / f"{part}.py"
        names = parts[place + 1 :] if file.exists() else parts[place:]
        text = (file if file.exists() else folder / "__init__.py").read_text()
        return all(re.search(rf"\b{one}\b", text) for one in names)
    return True


def test_paths_of_the_architecture_are_there() -> None:
    paths = [path.rstrip("/") for path in PATH.findall(ARCHITECTURE)]
    assert {"lm/encoding.py", "annotation/views/judging.py", "outbox.js", "preferences"} <= set(paths)
    assert [path for path in paths if not any(f"/{file}".endswith(f"/{path}") for file in FILES)] == []


def test_modules_of_the_architecture_are_there() -> None:
    modules = set(MODULE.findall(ARCHITECTURE))
    assert {"annotation.withdrawal.lineage", "runs.ends", "runs.models.Question"} <= modules
    assert [name for name in modules if not is_there(name)] == []
    assert not is_there("annotation.withdrawal.elsewhere")
    assert not is_there("runs.models.Answer")


def test_all_of_annotation_that_the_architecture_does_not_publish_is_protected() -> None:
    sentence = ARCHITECTURE.partition("annotation publishes its ")[2].partition(";")[0]
    published = {f"annotation.{name}" for name in re.findall(r"`([a-z.]+)`", sentence)}
    assert {"annotation.models", "annotation.files.snapshots"} <= published
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (protected,) = (set(one["protected_modules"]) for one in contracts if one["type"] == "protected")
    files = (ROOT / "annotation").rglob("*.py")
    modules = {
        ".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files if file.name != "__init__.py"
    }
    below = {name: {above for above in parents(name) if above in published | protected} for name in modules}
    open_to_all = [name for name, covering in below.items() if not covering and ".migrations." not in name]
    assert open_to_all == []
    assert published.isdisjoint(protected)


def parents(name: str) -> list[str]:
    """A module's own name and those of the packages that hold it."""
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


def listing_of(package: Path) -> set[str]:
    """The modules that the docstring of a package names, one a line or two."""
    docstring = ast.get_docstring(ast.parse((package / "__init__.py").read_text())) or ""
    return set(LISTED.findall(docstring))


WITH_LISTS = [
    path.parent.relative_to(ROOT).as_posix()
    for name in PACKAGES
    for path in sorted((ROOT / name).rglob("__init__.py"))
    if len(listing_of(path.parent)) > 2
]


def test_the_pure_packages_have_lists() -> None:
    pure = {"runs/folder", "lm", "rewardmodel/bradley_terry", "rltrainer/policy", "rltrainer/ppo"}
    assert {*pure, "annotation/preferences", "annotation/files/jsonl", "annotation/files/foreign"} <= set(
        WITH_LISTS
    )


@pytest.mark.parametrize("package", WITH_LISTS)
def test_a_list_of_modules_is_whole(package: str) -> None:
    modules = {path.name for path in (ROOT / package).glob("*.py")} - ALWAYS
    assert listing_of(ROOT / package) - ALWAYS == modules
