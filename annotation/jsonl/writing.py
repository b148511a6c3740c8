"""An object as its line. The same object gives the same bytes."""

import json
from collections.abc import Mapping
from typing import Any


def line_of(values: Mapping[str, Any]) -> str:
    """One line with its line feed; characters stand as themselves, NaN and infinities are refused."""
    return json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n"
