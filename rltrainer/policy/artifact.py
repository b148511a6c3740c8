"""meta.json of a policy folder: what it was made from, and the digest of every file in it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lm.manifest import NAME, check_manifest, code_version, files_of
from runs.folder.errors import BadInput
from runs.folder.files import write_json

FORMAT = 1
KIND = "policy"


def write_meta(folder: Path, meta: Mapping[str, Any]) -> None:
    """Describe the files of ``folder``; written last, so that its presence means whole."""
    description = {"format": FORMAT, "kind": KIND, "code_version": code_version(), "files": files_of(folder)}
    write_json(folder / NAME, {**meta, **description})


def check_folder(folder: Path) -> dict[str, Any]:
    """The folder's meta.json once its files are found to be those it names; {} where it has none.

    Raises BadInput where there are no safetensors weights (pickle is refused: loading it runs code), for
    another format or kind, and for a file that is missing, changed or not listed.
    """
    if not any(folder.glob("*.safetensors")):
        raise BadInput(
            f"{folder} holds no safetensors weights; pickle is refused, so convert them to safetensors"
        )
    if (folder / "adapter_config.json").exists():
        raise BadInput(f"{folder} holds an adapter and not a whole policy: merge it into its base first")
    meta = check_manifest(folder)
    if meta and (meta.get("format"), meta.get("kind")) != (FORMAT, KIND):
        raise BadInput(
            f"{folder / NAME} describes a {meta.get('kind')} of format {meta.get('format')}; "
            f"this version reads a {KIND} of format {FORMAT}"
        )
    return meta
