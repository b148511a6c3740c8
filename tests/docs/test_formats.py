"""docs/howto/own_data.md names every shape of file that is known, and every key of what a look answers."""

import re
from collections import Counter
from pathlib import Path

from django.conf import settings

from annotation.files.foreign.understanding import SHAPES, Understanding

PAGE = (Path(settings.BASE_DIR) / "docs" / "howto" / "own_data.md").read_text()


def test_every_shape_of_published_data_is_named() -> None:
    named = [name for shape in SHAPES for name in re.findall(r"\(([^)]+)\)", shape.title)]
    assert len(named) > 5
    assert [name for name in named if name not in PAGE] == []
    kinds = {shape.kind for shape in SHAPES if shape.title != f"lines of {shape.kind}"}
    assert [kind for kind in kinds if f"| {kind}" not in PAGE] == []


def test_every_key_of_a_look_is_explained() -> None:
    answer = Understanding("", "", "", [], left_out=Counter()).as_json()
    assert [key for key in answer if f"`{key}`" not in PAGE] == []
