"""What a request says, read as a line of a file is."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rest_framework import serializers

from annotation.errors import BadFile

# Where in the request a step of the line with this index, from 0, is.
Place = Callable[[int, list[str]], list[str]]


@contextmanager
def named_fields(place: Place = lambda index, steps: steps) -> Iterator[None]:
    """A bad line becomes an error that names the part of the request. Raises ValidationError."""
    try:
        yield
    except BadFile as error:
        line = error.lines[0]
        detail: Any = [line.reason]
        # completions[1].text
        for step in reversed(place(line.number - 1, re.findall(r"[^.\[\]]+", line.field))):
            detail = {step: detail}
        raise serializers.ValidationError(detail) from error
