"""Which release the static files are of."""

import hashlib
from functools import cache
from pathlib import Path

import django


@cache
def static_version(root: Path) -> str:
    """Changes with any file of static/, with a package of npm and with Django, whose admin brings its own."""
    digest = hashlib.sha256(django.__version__.encode())
    files = sorted(path for path in (root / "static").rglob("*") if path.is_file())
    for path in (*files, root / "package-lock.json"):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(root).as_posix()} {content}\n".encode())
    return digest.hexdigest()[:10]
