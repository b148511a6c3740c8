"""An object as its line. The same object gives the same bytes."""

from collections.abc import Mapping
from typing import Any

import orjson


def line_of(values: Mapping[str, Any]) -> str:
    """One line with its line feed; characters stand as themselves."""
    return encoded(values) + "\n"


def encoded(value: Any) -> str:
    """A value as it stands in a line."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # a whole number beyond 64 bits, which the standard library alone writes
        return orjson.dumps(_with_large_numbers(value)).decode()


def encoded_fields(**fields: Any) -> str:
    """Fields of an object, without its braces, that several lines hold."""
    return encoded(fields)[1:-1]


def _with_large_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_large_numbers(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_large_numbers(item) for item in value]
    return orjson.Fragment(str(value)) if type(value) is int else value
