"""Figures with their intervals, in words."""

from collections.abc import Mapping
from typing import Any


def percent(figure: Mapping[str, Any]) -> str:
    """A share ``{"value", "interval"}`` as ``71.4% (67.1 to 75.6)``; without an interval where it has none."""
    text = f"{100 * figure['value']:.1f}%"
    if figure.get("interval"):
        low, high = figure["interval"]
        text += f" ({100 * low:.1f} to {100 * high:.1f})"
    return text
