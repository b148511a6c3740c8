"""What a request says, read as a line of a file is: by the same rules, and with what is wrong named by its place."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from annotation.errors import BadFile
from annotation.files.jsonl import decoding
from annotation.files.jsonl.errors import BadField

# Where in the request a step of the line with this index, from 0, is.
Locate = Callable[[int, list[str]], list[str]]


@contextmanager
def named_fields(locate: Locate = lambda index, steps: steps) -> Iterator[None]:
    """A bad line becomes an error that names the part of the request. Raises ValidationError."""
    try:
        yield
    except BadFile as error:
        line = error.lines[0]
        raise _wrong(locate(line.number - 1, _steps(line.field)), line.reason) from error


class StrictParser(JSONParser):
    """JSON that Postgres can hold: without NaN, NUL characters, lone surrogates, keys twice or a depth of thousands."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The value. Raises ParseError where it is no JSON, else ValidationError."""
        try:
            return decoding.value_of(stream.read())
        except BadField as error:
            if not error.field:
                raise ParseError(f"The body is {error.reason}.") from error
            raise _wrong(_steps(error.field), error.reason) from error


def _steps(field: str) -> list[str]:
    """Of ``completions[1].text``."""
    return re.findall(r"[^.\[\]]+", field)


def _wrong(steps: list[str], reason: str) -> serializers.ValidationError:
    detail: Any = [reason]
    for step in reversed(steps):
        detail = {step: detail}
    return serializers.ValidationError(detail)
