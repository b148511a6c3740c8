"""meta.json of a policy folder: what it was made from, and the digest of every file in it."""

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from runs.folder.errors import BadInput
from runs.folder.files import file_digest, folder_digest, read_json, write_json

FORMAT = 1
KIND = "policy"
NAME = "meta.json"


def write_meta(folder: Path, meta: Mapping[str, Any]) -> None:
    """Describe the files of ``folder``; written last, so that its presence means whole."""
    own = {"format": FORMAT, "kind": KIND, "code_version": version("concord"), "files": _digests(folder)}
    write_json(folder / NAME, {**meta, **own})


def parent_of(base: str, model: Any) -> str:
    """What names ``base`` for good: the digest of its folder, or its hub name with the commit."""
    if Path(base).is_dir():
        return folder_digest(Path(base))
    return f"{base}@{getattr(model.config, '_commit_hash', None)}"


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
    if not (folder / NAME).is_file():
        return {}
    meta: dict[str, Any] = read_json(folder / NAME)
    if (meta.get("format"), meta.get("kind")) != (FORMAT, KIND):
        raise BadInput(
            f"{folder / NAME} describes a {meta.get('kind')} of format {meta.get('format')}; "
            f"this version reads a {KIND} of format {FORMAT}"
        )
    _compare(folder, meta["files"], _digests(folder))
    return meta


def _compare(folder: Path, listed: dict[str, str], found: dict[str, str]) -> None:
    for name in sorted(listed.keys() | found.keys()):
        if name not in found:
            raise BadInput(f"{folder / name} is missing: meta.json lists it. Copy the folder again")
        if name not in listed:
            raise BadInput(f"{folder / name} is not listed in meta.json: take it out of the folder")
        if listed[name] != found[name]:
            raise BadInput(f"{folder / name} is not the file that meta.json describes: copy the folder again")


def _digests(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path != folder / NAME)
    return {path.relative_to(folder).as_posix(): file_digest(path) for path in files}
