"""What makes two tasks the same: an import's name for them, else the prompt and the set that is ranked."""

import json
from collections.abc import Iterable

from annotation.preferences.splits import text_digest


def set_key(prompt_digest: str, completions: Iterable[tuple[str, str]]) -> str:
    """The key of a task without a name: its prompt and its set of (source, digest of the text), in any order."""
    return "set:" + text_digest(json.dumps([prompt_digest, sorted(completions)], ensure_ascii=False))
