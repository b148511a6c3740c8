"""Files that people send to be imported: bounded, stored before the transaction of their import, removed after it.

keep     store one, before any row names it
in_hand  one that is looked at and not kept
forget   remove the file of an import that has ended, and its copy in the run's folder
clean    remove what no import will read again; a failed one's stays for a week, so that the rest can be imported
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.files import File
from django.core.files.storage import Storage
from django.db.models import Q
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from annotation.errors import BadRequest
from annotation.models import Transfer
from runs.execution import folder_of
from runs.models import Run

# Its name in the run's folder: an upload's own name never becomes a path.
INPUT_NAME = "upload.jsonl"
# The file of a failed import, after its end; and one that no row names, which may be in the making.
KEPT_FAILED, KEPT_UNNAMED = timedelta(days=7), timedelta(days=1)


def keep(file: "File[Any]") -> str:
    """Store an upload and return its name in the storage. Raises BadRequest where it is too large."""
    _require_bounded(file)
    return _storage().save(f"{_folder()}/{uuid4()}.jsonl", file)


@contextmanager
def in_hand(file: "File[Any]") -> Iterator[Path]:
    """An upload as a file of this machine for as long as it is looked at. Raises BadRequest where it is too large."""
    _require_bounded(file)
    with NamedTemporaryFile() as copy:
        for chunk in file.chunks():
            copy.write(chunk)
        copy.flush()
        yield Path(copy.name)


def _require_bounded(file: "File[Any]") -> None:
    if file.size > settings.MAX_UPLOAD_BYTES:
        limit = filesizeformat(settings.MAX_UPLOAD_BYTES).replace("\xa0", " ")
        raise BadRequest(
            f"This file is too large: {limit} is the most. Divide it, or import it with a command."
        )


@contextmanager
def on_disk(name: str) -> Iterator[Path]:
    """An upload as a file of this machine, by its name in the storage. Raises BadRequest where it was removed."""
    storage = _storage()
    if not storage.exists(name):
        raise BadRequest(
            "The file is not here any more: it was imported, or removed a day after it was sent. Choose it again."
        )
    try:
        yield Path(storage.path(name))
    except NotImplementedError:  # a storage that is not of this machine
        with storage.open(name) as source, NamedTemporaryFile() as copy:
            shutil.copyfileobj(source, copy)
            copy.flush()
            yield Path(copy.name)


def drop(name: str) -> None:
    """Remove an upload by its name in the storage."""
    _storage().delete(name)


def forget(transfer: Transfer) -> None:
    """Remove the file of an import and its copy in the run's folder, unless another import is to read it."""
    others = Transfer.objects.filter(file=transfer.file.name, run__status__in=Run.ACTIVE)
    if not others.exclude(pk=transfer.pk).exists():
        drop(str(transfer.file.name))
    (folder_of(transfer.run).inputs / INPUT_NAME).unlink(missing_ok=True)


def is_kept(transfer: Transfer) -> bool:
    """Whether the file of an import is still there."""
    return bool(transfer.file) and _storage().exists(str(transfer.file.name))


def clean() -> int:
    """Remove what no import will read again; returns how many files. Called by the sweep once an hour."""
    return sum(_clean(f"{_folder()}/{name}") for name in _stored())


def _clean(name: str) -> bool:
    transfers = list(Transfer.objects.filter(file=name).select_related("run"))
    if not transfers:
        age = timezone.now() - _storage().get_modified_time(name)
        if age > KEPT_UNNAMED:
            drop(name)
        return age > KEPT_UNNAMED
    if Transfer.objects.filter(_still_to_be_read(), file=name).exists():
        return False
    for transfer in transfers:
        forget(transfer)
    return True


def _still_to_be_read() -> Q:
    """Imports that will read their file, or may be asked to once more."""
    recent = Q(run__status=Run.Status.FAILED, run__finished_at__gte=timezone.now() - KEPT_FAILED)
    return Q(run__status__in=Run.ACTIVE) | recent


def _stored() -> list[str]:
    try:
        return _storage().listdir(_folder())[1]
    except FileNotFoundError:  # nothing was ever sent
        return []


def _storage() -> Storage:
    return Transfer._meta.get_field("file").storage


def _folder() -> str:
    return str(Transfer._meta.get_field("file").upload_to).rstrip("/")
