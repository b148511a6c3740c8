"""One line's bytes as one JSON object that Postgres can hold and give back."""

import json
import math
from typing import Any

from annotation.files.jsonl.errors import BadField

# Deeper than any real line; far from the depth at which Python or Postgres gives up.
MOST_DEPTH = 64


def decode(data: bytes) -> dict[str, Any]:
    """The object in ``data``. Refused with BadField: what ``value_of`` refuses, and what is no object."""
    value = value_of(data)
    if not isinstance(value, dict):
        raise BadField("", "must be one JSON object")
    return value


def value_of(data: bytes) -> Any:
    """The JSON in ``data``.

    Refused with BadField: anything that is not UTF-8 or not JSON (NaN and infinities included), a key
    that stands twice in an object, numbers beyond a float, NUL characters, lone surrogates, deep nesting.
    """
    try:
        text = data.decode("utf-8")
        value = _DECODER.decode(text)
    except UnicodeDecodeError as error:
        raise BadField("", f"not UTF-8 at byte {error.start + 1}") from error
    except RecursionError as error:
        raise BadField("", f"nested deeper than {MOST_DEPTH} levels") from error
    except json.JSONDecodeError as error:
        raise BadField("", f"not JSON: {error.msg} at character {error.pos + 1}") from error
    except ValueError as error:
        raise BadField("", f"not JSON: {error}") from error
    # NULs and lone surrogates can only come in by an escape; most lines have none and are not walked.
    if "\\u" in text or text.count("{") + text.count("[") > MOST_DEPTH:
        _inspect(value)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return values


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:20]} is too large")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_finite, parse_constant=_no_constant)


def _inspect(value: Any) -> None:
    """Walk all texts and keys, without recursion."""
    waiting: list[tuple[str, Any, int]] = [("", value, 0)]
    while waiting:
        path, item, depth = waiting.pop()
        if depth > MOST_DEPTH:
            raise BadField(path[:80], f"nested deeper than {MOST_DEPTH} levels")
        if isinstance(item, str):
            _check_characters(path, item)
        elif isinstance(item, dict):
            for key, inner in item.items():
                _check_characters(path, key)
                waiting.append((f"{path}.{key}" if path else key, inner, depth + 1))
        elif isinstance(item, list):
            waiting.extend((f"{path}[{index}]", inner, depth + 1) for index, inner in enumerate(item))


def _check_characters(path: str, text: str) -> None:
    if "\0" in text:
        raise BadField(path, "holds a NUL character, which cannot be stored")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadField(path, f"holds a lone surrogate (\\u{ord(text[error.start]):04x}): not text") from error
