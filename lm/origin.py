"""What the half-done work of a run belongs to: its inputs, its parents and its config.

Whoever goes on from a checkpoint under another learning rate, another snapshot or another base would end in weights
of neither, with a meta.json that states the new one. So checkpoint/origin.json names them when the work begins, and
work of another origin is refused.
"""

import json
import shutil
from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lm.ranks import ALONE, Ranks
from runs.folder.errors import BadInput
from runs.folder.files import folder_digest, read_json, write_json
from runs.folder.folder import RunFolder

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def claim_checkpoint(
    folder: RunFolder,
    config: "DataclassInstance",
    *,
    inputs: Mapping[str, str],
    parents: Mapping[str, str],
    free: Collection[str],
    ranks: Ranks = ALONE,
) -> None:
    """Say what the folder's checkpoint is of, or see that it is of this. Raises BadInput naming what differs.

    A checkpoint of which nothing says what it is of is removed.

    ``inputs`` are files and ``parents`` models, by name, each with its digest; ``config`` is resolved. Fields that are
    ``free`` change no result, or are paths, of which another machine has others.
    """
    fields = {name: value for name, value in asdict(config).items() if name not in free}
    origin: dict[str, Any] = json.loads(json.dumps({**inputs, **parents, **fields}))
    path = folder.origin_file
    claimed = path.exists()
    ranks.wait()
    if not claimed:
        if ranks.main:
            # What lies there without an origin is of inputs that have changed since: of texts that were withdrawn
            shutil.rmtree(folder.checkpoint, ignore_errors=True)
            folder.checkpoint.mkdir()
            write_json(path, origin)
        ranks.wait()
        return
    kept: dict[str, Any] = read_json(path)
    others = sorted(name for name in origin.keys() | kept.keys() if origin.get(name) != kept.get(name))
    if others:
        raise BadInput(
            f"the checkpoint is of another run: {', '.join(others)} differ. Remove checkpoint/ and output/ to start "
            "again, or give the run what it began with"
        )


def parent_of(base: str, model: Any = None) -> str:
    """What names ``base`` for good: the digest of its folder, or its hub name, with the commit where it is loaded."""
    if Path(base).is_dir():
        return folder_digest(Path(base))
    return base if model is None else f"{base}@{getattr(model.config, '_commit_hash', None)}"
