"""What is in a base's folder, and what one of ours says of itself: meta.json names its files and their digests."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from runs.folder.errors import BadInput
from runs.folder.files import folder_manifest, read_json

NAME = "meta.json"
FORMAT = 1


def code_version() -> str | None:
    """Concord's version; None where its packages run without being installed. Only shown, never compared."""
    try:
        return version("concord")
    except PackageNotFoundError:
        return None


def files_of(folder: Path) -> dict[str, str]:
    """Every file of ``folder`` but meta.json, by its path inside it, with its digest."""
    return {name: digest for name, digest in folder_manifest(folder).items() if name != NAME}


def check_weights(folder: Path) -> None:
    """Raises BadInput where ``folder`` holds no safetensors weights (pickle is refused: loading it runs code), or an
    adapter: transformers would put it on the base that it names without a word."""
    if not any(folder.glob("*.safetensors")):
        raise BadInput(
            f"{folder} holds no safetensors weights; pickle is refused, so convert them to safetensors"
        )
    if (folder / "adapter_config.json").exists():
        raise BadInput(f"{folder} holds an adapter and not whole weights: merge it into its base first")


def check_kind(folder: Path, meta: Mapping[str, Any], kind: str) -> None:
    """Raises BadInput where ``meta`` describes something else than a ``kind`` of this version's format."""
    if (meta.get("format"), meta.get("kind")) != (FORMAT, kind):
        raise BadInput(
            f"{folder / NAME} describes a {meta.get('kind')} of format {meta.get('format')}; "
            f"this version reads a {kind} of format {FORMAT}"
        )


def check_manifest(folder: Path) -> dict[str, Any]:
    """meta.json of ``folder``, once its files are found to be those it lists; {} where it has none.

    Raises BadInput naming a file that is missing, changed or not listed.
    """
    if not (folder / NAME).is_file():
        return {}
    try:
        meta = read_json(folder / NAME)
        listed: dict[str, str] = dict(meta["files"])
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{folder / NAME} does not list its files: copy the folder again") from error
    present = files_of(folder)
    for name in sorted(listed.keys() | present.keys()):
        if name not in present:
            raise BadInput(f"{folder / name} is missing: {NAME} lists it. Copy the folder again")
        if name not in listed:
            raise BadInput(f"{folder / name} is not listed in {NAME}: take it out of the folder")
        if listed[name] != present[name]:
            raise BadInput(f"{folder / name} is not the file that {NAME} describes: copy the folder again")
    return dict(meta)
