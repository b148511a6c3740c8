"""A look at an uploaded file of another tool before anything of it is stored.

What was sent, and by whom, is in a signed word that the page carries until its reader decides; the file waits for a day
(annotation.files.uploads).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.core import signing
from django.core.files import File

from annotation.errors import BadRequest
from annotation.files import intake, uploads
from annotation.files.foreign.understanding import Foreign, Understanding
from annotation.files.intake.files import unreadable
from annotation.files.jsonl.errors import BrokenFile
from annotation.models import Project

# A page waits for so many.
LOOKED_AT = 2000
_SALT = "annotation.files.looking"
_DAY = 24 * 60 * 60


class Sent(NamedTuple):
    """An upload that waits: its name in the storage, the name it came by, and which columns were named."""

    stored: str
    file_name: str
    columns: dict[str, str]


def send(
    *, project: Project, file: "File[Any]", file_name: str, columns: Mapping[str, str], user: User
) -> str:
    """Keep an upload that is understood, and return the word for it. Raises BadRequest."""
    stored = uploads.keep(file)
    try:
        kind_of(stored, columns)
    except BaseException:
        uploads.drop(stored)
        raise
    values = {"project": project.pk, "user": user.pk, "sent": [stored, file_name[:200], dict(columns)]}
    return signing.dumps(values, salt=_SALT, compress=True)


def sent(word: str, *, project: Project, user: User) -> Sent:
    """What ``word`` stands for. Raises BadRequest where it is nobody's, another's, or too old."""
    try:
        values = signing.loads(word, salt=_SALT, max_age=_DAY)
    except signing.BadSignature as error:
        raise BadRequest("This page is older than a day, or not whole: choose the file again.") from error
    if (values["project"], values["user"]) != (project.pk, user.pk):
        raise BadRequest("Somebody else chose this file, or for another project: choose it again.")
    return Sent(*values["sent"])


def look(upload: Sent) -> Understanding:
    """How its first records are understood. Raises BadRequest."""
    with uploads.on_disk(upload.stored) as path, broken(upload.file_name):
        return Foreign(path, intake.limits(), upload.columns).understand(LOOKED_AT)


def understood(*, file: "File[Any]", file_name: str, columns: Mapping[str, str]) -> Understanding:
    """How the first records of an upload are understood, which is kept nowhere. Raises BadRequest."""
    with uploads.in_hand(file) as path, broken(file_name):
        return Foreign(path, intake.limits(), columns).understand(LOOKED_AT)


def kind_of(stored: str, columns: Mapping[str, str]) -> str:
    """The kind of the lines that a file of the storage would become. Raises BadRequest."""
    with uploads.on_disk(stored) as path, broken("This file"):
        return Foreign(path, intake.limits(), columns).shape.kind


@contextmanager
def broken(name: str | Path) -> Iterator[None]:
    """What no file can be understood by becomes BadRequest, which names the file."""
    try:
        yield
    except BrokenFile as error:
        raise BadRequest(f"{name}: {error}.") from error
    except OSError as error:
        raise unreadable(name, error) from error


def columns_of(text: str) -> dict[str, str]:
    """ "prompt=question, completion=answer" as a mapping. Raises BadRequest."""
    pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
    columns = {ours.strip(): theirs.strip() for ours, _, theirs in pairs}
    if not all(ours and theirs for ours, theirs in columns.items()) or len(columns) < len(pairs):
        raise BadRequest(f"{text!r} must look like prompt=question, completion=answer.")
    return columns
