"""An object's fields, taken one by one with their types; what is left over is unknown to the kind.

An optional field that is null is as good as absent. Every error is a BadField with the field's path.
"""

import datetime
import uuid
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from annotation.files.jsonl.errors import BadField

MOST_INTEGER = 2**31 - 1  # Postgres' integer
MOST_LABEL = 200  # characters of a name: a source, an annotator, a task, an id


class Limits(NamedTuple):
    """In bytes of UTF-8: of one text (a message, a completion, a rationale), and of one line."""

    text_bytes: int
    line_bytes: int


class Fields:
    """The fields of one object at ``path`` in its line."""

    def __init__(self, values: Mapping[str, Any], limits: Limits, path: str = "") -> None:
        self._values = dict(values)
        self.limits = limits
        self.path = path

    def bad(self, name: str, reason: str) -> BadField:
        """The error of field ``name``, to be raised."""
        return BadField(self.path + name, reason)

    def take(self, name: str) -> Any:
        """The value, or None where it is absent or null; it is not left over any more."""
        return self._values.pop(name, None)

    def peek(self, name: str) -> Any:
        """The value, left where it is."""
        return self._values.get(name)

    def has(self, name: str) -> bool:
        """Whether it stands there, be it null."""
        return name in self._values

    def rest(self) -> dict[str, Any]:
        """The fields that nobody took."""
        return self._values

    def put(self, name: str, value: Any) -> None:
        """Another value in its place."""
        self._values[name] = value

    def require(self, name: str) -> Any:
        """The value of a field that must be there."""
        value = self.take(name)
        if value is None:
            raise self.bad(name, "is missing")
        return value

    def text(self, name: str, *, may_be_empty: bool = True) -> str:
        """A text within the limit, which must be there."""
        return self._text(name, self.require(name), may_be_empty)

    def optional_text(self, name: str) -> str:
        """A text within the limit; empty where absent."""
        value = self.take(name)
        return "" if value is None else self._text(name, value, True)

    def _text(self, name: str, value: Any, may_be_empty: bool) -> str:
        if not isinstance(value, str):
            raise self.bad(name, f"must be a text, not {kind_of(value)}")
        if not value and not may_be_empty:
            raise self.bad(name, "must not be empty")
        # A character is at most four bytes: most texts need no encoding to be measured.
        most = self.limits.text_bytes
        if len(value) * 4 > most and len(value.encode()) > most:
            allowed = "the most that whoever runs Concord allows (CONCORD_MAX_TEXT_BYTES)"
            raise self.bad(name, f"is longer than {most} bytes, {allowed}")
        return value

    def label(self, name: str, *, most: int = MOST_LABEL) -> str | None:
        """A short name of something, or None; a whole number may be one (``name_of``)."""
        value = self.take(name)
        if value is None:
            return None
        value = name_of(value)
        if not isinstance(value, str) or not value:
            raise self.bad(name, f"must be a text that is not empty, not {kind_of(value)}")
        if len(value) > most:
            raise self.bad(name, f"is longer than {most} characters")
        return value

    def labels(self, name: str, count: int) -> list[str] | None:
        """A list of ``count`` short names, or None."""
        values = self.list_of(name, count)
        for index, value in enumerate(values or []):
            if not isinstance(value, str) or not 0 < len(value) <= MOST_LABEL:
                raise self.bad(f"{name}[{index}]", f"must be a text of 1 to {MOST_LABEL} characters")
        return values

    def choice(self, name: str, allowed: Collection[str]) -> str | None:
        """One of a few words, or None."""
        value = self.take(name)
        if value is not None and (not isinstance(value, str) or value not in allowed):
            raise self.bad(name, f"must be one of {', '.join(allowed)}")
        return value

    def whole(self, name: str, *, least: int = -MOST_INTEGER, most: int = MOST_INTEGER) -> int | None:
        """A whole number, or None; 1.0 is one (``whole_of``), and "1" is none."""
        value = self.take(name)
        if value is None:
            return None
        value = whole_of(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.bad(name, f"must be a whole number, not {kind_of(value)}")
        if not least <= value <= most:
            raise self.bad(name, f"must lie between {least} and {most}")
        return value

    def number(self, name: str, *, least: float | None = None) -> float | None:
        """A number, or None."""
        value = self.take(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.bad(name, f"must be a number, not {kind_of(value)}")
        try:
            number = float(value)
        except OverflowError as error:
            raise self.bad(name, "is too large") from error
        if least is not None and number < least:
            raise self.bad(name, f"must be at least {least:g}")
        return number

    def flag(self, name: str) -> bool | None:
        """True or false, or None."""
        value = self.take(name)
        if value is not None and not isinstance(value, bool):
            raise self.bad(name, f"must be true or false, not {kind_of(value)}")
        return value

    def mapping(self, name: str) -> dict[str, Any]:
        """An object; empty where absent."""
        value = self.take(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.bad(name, f"must be an object, not {kind_of(value)}")
        return value

    def within(self, name: str) -> "Fields":
        """The fields of an inner object; of an empty one where absent."""
        return Fields(self.mapping(name), self.limits, f"{self.path}{name}.")

    def list_of(self, name: str, count: int | None = None) -> list[Any] | None:
        """A list, of ``count`` items where that is given, or None."""
        value = self.take(name)
        if value is None:
            return None
        if not isinstance(value, list):
            raise self.bad(name, f"must be a list, not {kind_of(value)}")
        if count is not None and len(value) != count:
            raise self.bad(name, f"must have {count} items, not {len(value)}")
        return value

    def objects(self, name: str) -> "list[Fields]":
        """The fields of each object of a list that must be there."""
        items = self.list_of(name)
        if items is None:
            raise self.bad(name, "is missing")
        for index, item in enumerate(items):
            if not isinstance(item, dict):
                raise self.bad(f"{name}[{index}]", f"must be an object, not {kind_of(item)}")
        return [Fields(item, self.limits, f"{self.path}{name}[{i}].") for i, item in enumerate(items)]

    def permutation(self, name: str, count: int) -> list[int] | None:
        """The numbers 0 to ``count`` - 1 in some order, or None."""
        value = self.list_of(name, count)
        if value is None:
            return None
        if any(type(item) is not int for item in value) or sorted(value) != list(range(count)):
            raise self.bad(name, f"must be the numbers 0 to {count - 1} in some order")
        return value

    def identifier(self, name: str) -> str | None:
        """A UUID in its usual writing, or None."""
        value = self.take(name)
        return None if value is None else self._identifier(name, value)

    def identifiers(self, name: str, count: int) -> list[str] | None:
        """A list of ``count`` UUIDs, or None."""
        values = self.list_of(name, count)
        if values is None:
            return None
        return [self._identifier(f"{name}[{index}]", value) for index, value in enumerate(values)]

    def _identifier(self, name: str, value: Any) -> str:
        try:
            if isinstance(value, str) and str(uuid.UUID(value)) == value:
                return value
        except ValueError:
            pass
        raise self.bad(name, "must be a UUID, as an export writes it")

    def moment(self, name: str) -> datetime.datetime | None:
        """A time with its zone in ISO 8601, or None."""
        value = self.take(name)
        if value is None:
            return None
        try:
            moment = datetime.datetime.fromisoformat(value)
            if moment.tzinfo is not None:
                return moment.astimezone(datetime.UTC)
        except (TypeError, ValueError, OverflowError):
            pass
        raise self.bad(name, "must be a time with its zone, as 2026-11-23T14:00:00+00:00")


def name_of(value: Any) -> Any:
    """A whole number as a name of digits, since many tools count with them; everything else as it is."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def whole_of(value: Any) -> Any:
    """1.0 as 1, since a table with a gap in its column writes whole numbers so; everything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def kind_of(value: Any) -> str:
    """What a JSON value is, in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    names = {str: "a text", int: "a whole number", float: "a number", list: "a list", dict: "an object"}
    return "an empty text" if value == "" else names[type(value)]
