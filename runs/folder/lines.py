"""The lines of a JSONL input: read, checked field by field, and named where they are wrong. All readers use this.

A reader says what a line is as a function of its ``Fields``; whatever is wrong with a line ends the run with the file,
the number of the line, the field and the reason.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from runs.folder.errors import BadInput

T = TypeVar("T")
ROLES = ("system", "user", "assistant")
FORMS = ("text", "chat")
SPLITS = ("train", "validation", "test")
_REQUIRED = object()


class Fields:
    """A line's object; every method gives one field, checked, and raises ValueError naming it."""

    def __init__(self, line: Any) -> None:
        if not isinstance(line, dict):
            raise ValueError("it must be a JSON object")
        self._line: Mapping[str, Any] = line

    def any(self, name: str, default: Any = _REQUIRED) -> Any:
        """Whatever it holds; ``default`` where it is not there."""
        if name not in self._line and default is _REQUIRED:
            raise ValueError(f"{name}: it is missing")
        return self._line.get(name, default)

    def id(self, name: str) -> str:
        """A text or a whole number, as a text."""
        value = self.any(name)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise ValueError(f"{name}: it must be a text or a whole number")
        return str(value)

    def text(self, name: str) -> str:
        """A text, which may be empty."""
        value = self.any(name)
        if not isinstance(value, str):
            raise ValueError(f"{name}: it must be a text")
        return value

    def text_or_none(self, name: str) -> str | None:
        """A text; None where it is null or missing."""
        return None if self.any(name, None) is None else self.text(name)

    def choice(self, name: str, choices: Sequence[str], default: Any = _REQUIRED) -> str:
        """One of ``choices``."""
        value = self.any(name, default)
        if value not in choices:
            raise ValueError(f"{name}: it must be one of {', '.join(choices)}, not {value!r}")
        return str(value)

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self.any(name)
        if not isinstance(value, bool):
            raise ValueError(f"{name}: it must be true or false")
        return value

    def number_or_none(self, name: str) -> float | None:
        """A finite number; None where it is null or missing."""
        value = self.any(name, None)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"{name}: {value!r} is not a finite number")
        return float(value)

    def items(self, name: str) -> list[Any]:
        """A list of anything."""
        value = self.any(name)
        if not isinstance(value, list):
            raise ValueError(f"{name}: it must be a list")
        return value

    def whole_numbers(self, name: str, count: int) -> tuple[int, ...]:
        """A list of ``count`` whole numbers."""
        value = self.items(name)
        if len(value) != count or not all(type(number) is int for number in value):
            raise ValueError(f"{name}: it must be {count} whole numbers")
        return tuple(value)

    def messages(self, name: str) -> list[dict[str, str]]:
        """A prompt's messages, each a role and a text."""
        messages = self.items(name)
        if not messages:
            raise ValueError(f"{name}: it has no messages")
        for message in messages:
            if not isinstance(message, dict) or message.get("role") not in ROLES:
                raise ValueError(f"{name}: a message's role must be one of {', '.join(ROLES)}")
            if not isinstance(message.get("content"), str):
                raise ValueError(f"{name}: a message's content must be a text")
        return messages


def read_lines(path: Path, parse: Callable[[Fields], T], *, holds: str) -> Iterator[T]:
    """What ``parse`` makes of each line, streamed; only a line feed ends a line.

    Raises BadInput where there is no such file, which ``holds`` describes, and for the first line that is wrong.
    """
    if not path.is_file():
        raise BadInput(f"{path} is missing: {holds} must be there")
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                parsed = parse(Fields(json.loads(line.decode())))
            except (ValueError, RecursionError) as error:
                raise BadInput(f"{path.name}, line {number}: {error}") from error
            yield parsed
