"""What two versions of a text differ in, line by line."""

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import NamedTuple

# Lines around a change that tell where it is.
AROUND = 1


class Line(NamedTuple):
    """``kind`` is "added", "removed", "same", or "left out" for lines between two changes."""

    kind: str
    text: str


def changed_lines(before: str, after: str) -> list[Line]:
    """The lines that were added and removed, each with the line before and after it; none where nothing differs."""
    return list(_lines([*filter(str.strip, before.splitlines())], [*filter(str.strip, after.splitlines())]))


def _lines(old: list[str], new: list[str]) -> Iterator[Line]:
    groups = SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(AROUND)
    for number, group in enumerate(groups):
        if number:
            yield Line("left out", "")
        for what, first, last, start, end in group:
            if what == "equal":
                yield from (Line("same", text) for text in old[first:last])
                continue
            yield from (Line("removed", text) for text in old[first:last])
            yield from (Line("added", text) for text in new[start:end])
