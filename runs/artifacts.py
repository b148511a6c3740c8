"""Artifacts: folders of files in the ``artifacts`` storage, named by the digest of their content.

They are stored before the transaction that names them, so nobody waits for a file under a lock. What is stored and
then not named (a rollback, a lost lease) is the same file when it is stored again; runs.cleaning removes what nobody
has named for a day.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import storages
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from runs.errors import ArtifactMissing, StoredUnderLock
from runs.folder.files import folder_manifest, manifest_digest
from runs.models import Artifact, Run

Files = dict[str, dict[str, Any]]
# The class of the advisory locks of artifacts; any number that is nobody else's.
_ARTIFACTS = 0x61727466


def store(*, folder: Path, kind: str, run: Run | None) -> Artifact:
    """Copy a folder into the storage and return its row. Equal content is stored once.

    Files go first and the row last: a crash leaves files that the next attempt finishes, never a row
    without its files. Holds the digest's advisory lock, and none of a row. Raises StoredUnderLock inside a
    transaction, ArtifactMissing for an empty folder.
    """
    refuse_under_lock()
    manifest = folder_manifest(folder)
    if not manifest:
        raise ArtifactMissing(f"{folder} holds no files to keep")
    digest = manifest_digest(manifest)
    with holding(digest):
        files = _copy(folder, manifest, digest)
        artifact, created = Artifact.objects.get_or_create(
            digest=digest, defaults={"kind": kind, "files": files, "run": run}
        )
        if not created:
            # Not to be taken for one that nobody has named for long.
            Artifact.objects.filter(pk=artifact.pk).update(stored_at=Now())
    return artifact


def refuse_under_lock() -> None:
    """Raise StoredUnderLock inside a transaction; one that a test wraps around itself does not count."""
    try:
        with transaction.atomic(durable=True):
            pass
    except RuntimeError as error:
        raise StoredUnderLock(str(StoredUnderLock.__doc__)) from error


def discard(*, digest: str, idle: timedelta = timedelta(0)) -> bool:
    """Remove an artifact that no row names, its files after its row; False where one names it, or where it was stored
    within ``idle``. Holds the digest's advisory lock, so that nobody stores it meanwhile."""
    with holding(digest):
        rows = Artifact.objects.filter(digest=digest)
        if rows.filter(stored_at__gt=Now() - idle).exists():
            return False
        try:
            rows.delete()
        except IntegrityError:  # named before, or at this moment
            return False
        _remove_tree(digest)
        shutil.rmtree(_cache_of(digest), ignore_errors=True)
    return True


def files_under(folder: str) -> Iterator[str]:
    """The names in the storage of all files below a folder."""
    folders, files = _listed(folder)
    yield from (f"{folder}/{name}" for name in files)
    for name in folders:
        yield from files_under(f"{folder}/{name}")


def _listed(folder: str) -> tuple[list[str], list[str]]:
    try:
        return storages["artifacts"].listdir(folder)
    except FileNotFoundError:
        return [], []


def _remove_tree(folder: str) -> None:
    storage = storages["artifacts"]
    folders, files = _listed(folder)
    for name in files:
        storage.delete(f"{folder}/{name}")
    for name in folders:
        _remove_tree(f"{folder}/{name}")
    storage.delete(folder)  # of a file system an empty folder; elsewhere there are none


def _cache_of(digest: str) -> Path:
    return Path(settings.HOME) / "cache" / digest


@contextmanager
def holding(digest: str) -> Iterator[None]:
    """Wait for whoever else stores or removes this artifact, and keep them waiting meanwhile; no row is locked."""
    key = [_ARTIFACTS, int(digest[:8], 16) - 2**31]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", key)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", key)


def _copy(folder: Path, manifest: dict[str, str], digest: str) -> Files:
    storage = storages["artifacts"]
    files: Files = {}
    for name, file_digest in manifest.items():
        size = (folder / name).stat().st_size
        files[name] = {"sha256": file_digest, "bytes": size}
        stored = f"{digest}/{name}"
        if storage.exists(stored):
            if storage.size(stored) == size:
                continue
            storage.delete(stored)
        with (folder / name).open("rb") as file:
            storage.save(stored, File(file))
    return files


def replace_file(*, artifact: Artifact, name: str, path: Path) -> None:
    """Put ``path`` in the place of one of the artifact's files, where something had to be erased from it.

    The digests stay: they name what was there. The size is that of the file now, so that a cached copy elsewhere is
    not taken for it.
    """
    storage = storages["artifacts"]
    stored = f"{artifact.digest}/{name}"
    if not _is_stored_at(stored, path):
        storage.delete(stored)
        with path.open("rb") as file:
            storage.save(stored, File(file))
    files = {**artifact.files, name: {**artifact.files[name], "bytes": path.stat().st_size}}
    Artifact.objects.filter(pk=artifact.pk).update(files=files)
    artifact.files = files


def _is_stored_at(stored: str, path: Path) -> bool:
    try:
        return Path(storages["artifacts"].path(stored)) == path
    except NotImplementedError:
        return False


def local_folder(artifact: Artifact) -> Path:
    """A folder on this machine with the artifact's files; a remote storage is copied into a cache once.

    Raises ArtifactMissing where a file is gone.
    """
    storage = storages["artifacts"]
    try:
        folder = Path(storage.path(artifact.digest))
    except NotImplementedError:
        folder = _cached(artifact)
    missing = [name for name in artifact.files if not (folder / name).is_file()]
    if missing:
        raise ArtifactMissing(
            f"The artifact {artifact.digest[:12]} has lost {', '.join(missing)}: restore it from a backup."
        )
    return folder


def _cached(artifact: Artifact) -> Path:
    storage = storages["artifacts"]
    folder = _cache_of(artifact.digest)
    for name, facts in artifact.files.items():
        path = folder / name
        if path.is_file() and path.stat().st_size == facts["bytes"]:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.part")
        with storage.open(f"{artifact.digest}/{name}") as source, partial.open("wb") as target:
            shutil.copyfileobj(source, target)
        partial.replace(path)
    return folder
