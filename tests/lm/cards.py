"""A model card as whoever finds the folder reads it: its YAML by the hub's library, its snippet by Python."""

import contextlib
import io
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from huggingface_hub import ModelCard, ModelCardData


class Card(NamedTuple):
    """Its front matter, its words, and both."""

    data: ModelCardData
    text: str
    content: str


def read_card(folder: Path) -> Card:
    card = ModelCard.load(folder / "README.md")
    assert isinstance(card.data, ModelCardData)
    return Card(card.data, card.text, card.content)


def run_snippet(folder: Path) -> dict[str, Any]:
    """The names that the card's code leaves, run where the folder is; what it prints under ``printed``."""
    (code,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.S)
    names: dict[str, Any] = {}
    printed, before = io.StringIO(), Path.cwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(printed):
            exec(code, names)
    finally:
        os.chdir(before)
    return {**names, "printed": printed.getvalue()}
