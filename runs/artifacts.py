"""Artifacts: folders of files in the ``artifacts`` storage, named by the digest of their content."""

import shutil
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.core.files.storage import storages

from runs.errors import ArtifactMissing
from runs.folder.files import folder_manifest, manifest_digest
from runs.models import Artifact, Run


def store(*, folder: Path, kind: str, run: Run | None) -> Artifact:
    """Copy a folder into the storage and return its row. Equal content is stored once.

    Files go first and the row last: a crash leaves files that the next attempt finishes, never a row
    without its files.
    """
    manifest = folder_manifest(folder)
    if not manifest:
        raise ArtifactMissing(f"{folder} holds no files to keep")
    digest = manifest_digest(manifest)
    storage = storages["artifacts"]
    files = {}
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
    artifact, _ = Artifact.objects.get_or_create(
        digest=digest, defaults={"kind": kind, "files": files, "run": run}
    )
    return artifact


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
    folder = Path(settings.HOME) / "cache" / artifact.digest
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
