"""meta.json of a policy folder: what it was made from, and the digest of every file in it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lm.manifest import FORMAT, NAME, check_kind, check_manifest, check_weights, code_version, files_of
from runs.folder.files import write_json

KIND = "policy"


def write_meta(folder: Path, meta: Mapping[str, Any]) -> None:
    """Describe the files of ``folder``; written last, so that its presence means whole."""
    description = {"format": FORMAT, "kind": KIND, "code_version": code_version(), "files": files_of(folder)}
    write_json(folder / NAME, {**meta, **description})


def check_folder(folder: Path) -> dict[str, Any]:
    """The folder's meta.json once its files are found to be those it names; {} where it has none.

    Raises BadInput as ``check_weights``, for another format or kind, and for a file that is missing, changed or not
    listed.
    """
    check_weights(folder)
    meta = check_manifest(folder)
    if meta:
        check_kind(folder, meta, KIND)
    return meta
