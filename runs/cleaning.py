"""Files that nobody needs any more: folders of runs that ended long ago, and artifacts that no row names.

What a page shows of a run is in rows (its log's end, metrics, result) and stays; only what an export made goes with
its folder. What a version needs is an artifact, which stays as long as a row names it, and whatever its kind calls
lasting in the folder. A run that has not ended keeps all of its folder; one that failed or was cancelled keeps its
checkpoint for as many days as folders are kept, however many runs come after it.
"""

import logging
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.core.files.storage import storages
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from runs import artifacts
from runs.errors import UnknownKind
from runs.execution import folder_of
from runs.folder.errors import FolderInUse
from runs.kinds import kind_of
from runs.models import Artifact, Run

logger = logging.getLogger("concord.runs")
# What has no row yet may be in the making for so long.
_IN_THE_MAKING = timedelta(days=1)


class Cleaned(NamedTuple):
    """How many were removed."""

    folders: int
    artifacts: int


def clean() -> Cleaned:
    """Remove what is not needed. Called by the sweep once an hour; holds no row's lock."""
    folders = sum(_empty(run) for run in _over()) + sum(_remove(path) for path in _strays())
    return Cleaned(folders, sum(_discard(digest) for digest in _unnamed()))


def _folders() -> dict[UUID, Path]:
    """The folders of runs on disk, by the public id that is their name."""
    folders = {}
    for path in Path(settings.RUNS_DIR).glob("*"):
        try:
            folders[UUID(path.name)] = path
        except ValueError:
            continue  # not ours
    return folders


def _over() -> Iterator[Run]:
    """Ended runs whose folders have had their time: by age, and of those that succeeded by number too."""
    ended = Run.objects.exclude(status__in=Run.ACTIVE).filter(public_id__in=_folders())
    oldest = timezone.now() - timedelta(days=settings.KEEP_RUN_DAYS)
    kept = 0
    for run in ended.order_by("-finished_at", "-pk"):
        assert run.finished_at is not None
        if not _surplus(run):
            continue
        if run.finished_at < oldest or (run.status == Run.Status.SUCCEEDED and kept >= settings.KEEP_RUNS):
            yield run
        else:
            kept += run.status == Run.Status.SUCCEEDED


def _surplus(run: Run) -> list[Path]:
    """What would be removed from its folder."""
    lasting = _lasting(run)
    surplus = [path for path in folder_of(run).path.iterdir() if path.name not in lasting]
    return surplus or ([] if lasting else [folder_of(run).path])


def _lasting(run: Run) -> tuple[str, ...]:
    try:
        return kind_of(run).lasting if run.status == Run.Status.SUCCEEDED else ()
    except UnknownKind:
        return ()


def _empty(run: Run) -> bool:
    """Under the folder's lock: somebody may have begun to work in it by hand."""
    folder = folder_of(run)
    try:
        with folder.writing():
            removed = all(_remove(path) for path in _surplus(run))
    except FolderInUse:
        return False
    return removed and (bool(_lasting(run)) or _remove(folder.path))


def _remove(path: Path) -> bool:
    """What cannot be removed is logged, and tried again at the next sweep."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        logger.warning("%s could not be removed: %s", path, error)
        return False
    return True


def _strays() -> Iterator[Path]:
    """Folders of runs that are no more."""
    folders = _folders()
    known = set(Run.objects.filter(public_id__in=folders).values_list("public_id", flat=True))
    newest = (timezone.now() - _IN_THE_MAKING).timestamp()
    for public_id, path in folders.items():
        if public_id not in known and path.stat().st_mtime < newest:
            yield path


def _unnamed() -> Iterator[str]:
    """Digests of artifacts that no row names, and of files without even a row, stored longer ago than a day."""
    yield from list(_nobodys().values_list("digest", flat=True))
    known = set(Artifact.objects.values_list("digest", flat=True))
    for digest in _stored() - known:
        if _is_old(digest):
            yield digest


def _nobodys() -> "QuerySet[Artifact]":
    """Whatever model points at an artifact names it."""
    rows = Artifact.objects.filter(stored_at__lt=Now() - _IN_THE_MAKING)
    for relation in Artifact._meta.get_fields(include_hidden=True):
        if relation.auto_created and not relation.concrete:
            points = relation.related_model._default_manager.filter(  # type: ignore[union-attr]
                **{relation.field.name: OuterRef("pk")}  # type: ignore[union-attr]
            )
            rows = rows.filter(~Exists(points))
    return rows


def _stored() -> set[str]:
    try:
        folders, _ = storages["artifacts"].listdir("")
    except FileNotFoundError:  # nothing was ever stored
        return set()
    return set(folders)


def _is_old(digest: str) -> bool:
    """Whether none of its files was stored within a day. Looked at by name: a storage's folders have no time."""
    storage = storages["artifacts"]
    newest = timezone.now() - _IN_THE_MAKING
    return all(storage.get_modified_time(name) < newest for name in artifacts.files_under(digest))


def _discard(digest: str) -> bool:
    return artifacts.discard(digest=digest, idle=_IN_THE_MAKING)
