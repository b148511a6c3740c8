"""The static files: which release they are of, where they are, and the scripts of a page in one file each.

A page's script is a tree of small modules, and a browser hears of those that a module imports when it has that module.
So ``make`` puts each tree into one file (``python -m config.static``), under the name of the script that pages name.
A bundle is of these very sources: where a script has changed since, where nothing was put together, or with
CONCORD_DEBUG, each module is served as it stands, and only the number of requests differs.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import django

# What of packages of npm is served, by the first part of its name.
PACKAGES = {"sortablejs": "sortablejs/modular", "uplot": "uplot/dist", "htmx": "htmx.org/dist"}
ESBUILD = "node_modules/@esbuild/*/bin/esbuild"  # the build for this machine: npm installs no other
OPTIONS = (
    "--bundle",
    "--format=esm",
    "--minify",
    "--sourcemap",
    "--preserve-symlinks",
    "--log-level=warning",
)


@cache
def static_version(root: Path) -> str:
    """Changes with any file of static/, with a package of npm and with Django, whose admin brings its own; and with how
    bundles are made."""
    digest = hashlib.sha256(" ".join([django.__version__, *OPTIONS]).encode())
    files = sorted(path for path in (root / "static").rglob("*") if path.is_file())
    for path in (*files, root / "package-lock.json"):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(root).as_posix()} {content}\n".encode())
    return digest.hexdigest()[:10]


def bundles_of(root: Path) -> Path:
    """The folder of the bundles of these sources, whether it is there or not."""
    return root / "build" / "static" / static_version(root)


def address(root: Path, *, bundled: bool) -> str:
    """What stands for this release in addresses. A browser keeps a script for good: with bundles it is another one."""
    return f"{static_version(root)}-bundled" if bundled else static_version(root)


def folders(root: Path, *, bundled: bool) -> list[Path | tuple[str, Path]]:
    """For STATICFILES_DIRS: of two files of one name the first is served, so bundles come first."""
    first = [bundles_of(root)] if bundled else []
    packages = ((name, root / "node_modules" / place) for name, place in PACKAGES.items())
    return [*first, root / "static", *packages]


def inlined(root: Path, *, bundled: bool) -> frozenset[str]:
    """Names of the modules that are in a bundle and that no page loads by themselves."""
    return frozenset(json.loads(_list_of(bundles_of(root)).read_text())) if bundled else frozenset()


def bundle(root: Path) -> Path:
    """Make the bundles of these sources, unless they are there; returns their folder.

    Raises ``FileNotFoundError`` where npm has installed no esbuild, and ``subprocess.CalledProcessError``, with what
    esbuild says, for a script that it cannot read.
    """
    bundles = bundles_of(root)
    if bundles.is_dir():
        return bundles
    bundles.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=bundles.parent, prefix=".new-") as name:
        new = Path(name)
        sources = _as_served(root, new / "sources")
        scripts = sorted(path.relative_to(sources).as_posix() for path in (sources / "js").rglob("*.js"))
        imports = _imports(_esbuild(root, sources, scripts, new / "each"))
        imported = frozenset().union(*imports.values())
        trees = [script for script in scripts if imports[script] and script not in imported]
        _esbuild(root, sources, trees, new / "bundles")
        (new / "inlined.json").write_text(json.dumps(sorted(imported)))
        # The list first: whoever sees the bundles sees it too.
        (new / "inlined.json").replace(_list_of(bundles))
        try:
            (new / "bundles").rename(bundles)
        except OSError:
            if not bundles.is_dir():  # somebody else has made them meanwhile, the same
                raise
    return bundles


def _list_of(bundles: Path) -> Path:
    return bundles.with_suffix(".json")


def _as_served(root: Path, sources: Path) -> Path:
    """``sources``, with everything where a browser finds it: modules import one another by address."""
    sources.mkdir()
    (sources / "js").symlink_to(root / "static" / "js")
    for name, place in PACKAGES.items():
        (sources / name).symlink_to(root / "node_modules" / place)
    return sources


def _esbuild(root: Path, sources: Path, scripts: list[str], output: Path) -> Path:
    """Put the tree of each of ``scripts`` into one file; returns esbuild's own account of it."""
    program = next(root.glob(ESBUILD), None)
    if program is None:
        raise FileNotFoundError(f"{root / ESBUILD}: npm installed no esbuild for this machine")
    account = output.with_suffix(".meta")
    arguments = [*OPTIONS, "--outbase=.", f"--outdir={output}", f"--metafile={account}"]
    subprocess.run(
        [program, *scripts, *arguments],
        cwd=sources,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return account


def _imports(account: Path) -> dict[str, frozenset[str]]:
    """Which modules each one imports."""
    read = json.loads(account.read_text())["inputs"]
    return {name: frozenset(one["path"] for one in module["imports"]) for name, module in read.items()}


def main() -> None:
    """Make the bundles of this checkout; where there is no esbuild, say so: pages work without."""
    try:
        bundle(Path(__file__).resolve().parent.parent)
    except FileNotFoundError as missing:
        sys.stderr.write(f"Scripts are served module by module. {missing}.\n")
    except subprocess.CalledProcessError as failed:
        sys.exit(failed.stdout.decode())


if __name__ == "__main__":
    main()
