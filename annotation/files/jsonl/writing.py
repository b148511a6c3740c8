"""An object as its line. The same object gives the same bytes."""

from collections.abc import Mapping
from typing import Any

import orjson


def line_of(values: Mapping[str, Any]) -> str:
    """One line with its line feed; characters stand as themselves. A value may be ``encoded`` already."""
    return _dumped(values).decode() + "\n"


def encoded(value: Any) -> orjson.Fragment:
    """A value that several lines hold, encoded once."""
    return orjson.Fragment(_dumped(value))


def encoded_rest(**fields: Any) -> bytes:
    """The last fields of an object that several lines hold, encoded once, for ``with_rest``."""
    return b"," + _dumped(fields)[1:]


def with_rest(first: Mapping[str, Any], rest: bytes) -> orjson.Fragment:
    """An object of the fields in ``first``, of which there is one at least, and the encoded rest."""
    return orjson.Fragment(_dumped(first)[:-1] + rest)


def _dumped(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # a whole number beyond 64 bits, which the standard library alone writes
        return orjson.dumps(_with_large_numbers(value))


def _with_large_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_large_numbers(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_large_numbers(item) for item in value]
    return orjson.Fragment(str(value)) if type(value) is int else value
