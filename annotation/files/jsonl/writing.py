"""An object as its line. The same object gives the same bytes."""

from collections.abc import Mapping
from typing import Any

import orjson


def line_of(values: Mapping[str, Any]) -> str:
    """One line with its line feed; characters stand as themselves. A value may be ``encoded`` already."""
    return orjson.dumps(values, option=orjson.OPT_APPEND_NEWLINE).decode()


def encoded(value: Any) -> orjson.Fragment:
    """A value that several lines hold, encoded once."""
    return orjson.Fragment(orjson.dumps(value))


def encoded_rest(**fields: Any) -> bytes:
    """The last fields of an object that several lines hold, encoded once, for ``with_rest``."""
    return b"," + orjson.dumps(fields)[1:]


def with_rest(first: Mapping[str, Any], rest: bytes) -> orjson.Fragment:
    """An object of the fields in ``first``, of which there is one at least, and the encoded rest."""
    return orjson.Fragment(orjson.dumps(first)[:-1] + rest)
