"""The named scales on which completions are rated (approach 1 of the lecture)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

# One digit a step: 1-9 on the keyboard reach a scale of nine steps.
MOST_AXES, MOST_STEPS = 12, 9
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,59}")


class Axis(NamedTuple):
    """A scale of whole numbers from ``least`` to ``most``; the words stand at its ends."""

    name: str
    label: str
    least: int
    most: int
    least_words: str = ""
    most_words: str = ""
    required: bool = True

    @property
    def steps(self) -> range:
        """Every score there is, the lowest first."""
        return range(self.least, self.most + 1)


def default_axes() -> list[dict[str, Any]]:
    """What a project rates until a researcher says otherwise."""
    return [Axis("quality", "Quality", 1, 7, "poor", "excellent")._asdict()]


def read_axes(value: object) -> list[Axis]:
    """The axes that a list of objects describes. Raises ValueError, which says what is wrong and where."""
    if not isinstance(value, Sequence) or isinstance(value, str) or not 0 < len(value) <= MOST_AXES:
        raise ValueError(f"a list of 1 to {MOST_AXES} axes is needed")
    axes = [_axis(item, number) for number, item in enumerate(value, start=1)]
    names = [axis.name for axis in axes]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two axes are named {name!r}")
    return axes


def _axis(value: object, number: int) -> Axis:
    if not isinstance(value, Mapping):
        raise ValueError(f"axis {number} must be an object")
    unknown = sorted(set(value) - set(Axis._fields))
    if unknown:
        raise ValueError(f"axis {number}: {unknown[0]!r} is not one of {', '.join(Axis._fields)}")
    name = value.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"axis {number}: its name must be a short word of small letters, digits, - and _")
    least, most = value.get("least", 1), value.get("most", 7)
    if not _is_step(least) or not _is_step(most) or least >= most or most - least >= MOST_STEPS:
        raise ValueError(f"axis {name!r}: least and most must span 2 to {MOST_STEPS} whole numbers")
    words = {field: value.get(field, "") for field in ("label", "least_words", "most_words")}
    for field, text in words.items():
        if not isinstance(text, str) or len(text) > 200 or "\0" in text:
            raise ValueError(f"axis {name!r}: {field} must be a text of at most 200 characters")
    required = value.get("required", True)
    if not isinstance(required, bool):
        raise ValueError(f"axis {name!r}: required must be true or false")
    label = words["label"].strip() or name.replace("_", " ").capitalize()
    return Axis(name, label, least, most, words["least_words"].strip(), words["most_words"].strip(), required)


def _is_step(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 1000
