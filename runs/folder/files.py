"""Files that are whole or absent, and the digests that name them."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from runs.folder.errors import BadInput


def write_atomically(path: Path, content: bytes) -> None:
    """Write ``content`` so that a reader sees the old file or the new one, never a part."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A new folder beside ``path`` to write into, which takes its name where all went well, and else is removed.

    Raises BadInput where ``path`` is a file or a folder that holds something.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise BadInput(f"{path} is there already, and not an empty folder: name another")
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.mkdir(parents=True)
    except OSError as error:
        raise BadInput(f"{path} cannot be made: {error.strerror}") from error
    try:
        yield part
        part.replace(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON, atomically. NaN and infinities are refused (ValueError)."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, sort_keys=True)
    write_atomically(path, (text + "\n").encode())


def read_json(path: Path) -> Any:
    """The JSON value in ``path``."""
    return json.loads(path.read_text(encoding="utf-8"))


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSONL file, streamed."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def file_digest(path: Path) -> str:
    """sha256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_manifest(folder: Path) -> dict[str, str]:
    """The files of a folder, by their path inside it, with each one's digest; sorted."""
    return {
        path.relative_to(folder).as_posix(): file_digest(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def manifest_digest(manifest: Mapping[str, str]) -> str:
    """sha256 over a manifest: equal folders, equal digests."""
    return hashlib.sha256(json.dumps(sorted(manifest.items())).encode()).hexdigest()


def folder_digest(folder: Path) -> str:
    """``manifest_digest`` of ``folder_manifest``."""
    return manifest_digest(folder_manifest(folder))
