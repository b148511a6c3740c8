"""Figures with their intervals, in words; a library of templates too, so that both round alike."""

from collections.abc import Mapping
from typing import Any

from django import template

from annotation.preferences.shares import points

__all__ = ["percent", "points", "register"]

register = template.Library()
register.filter(points)


def percent(figure: Mapping[str, Any]) -> str:
    """A share ``{"value", "interval"}`` as ``71.4% (67.1 to 75.6)``; without an interval where it has none."""
    text = f"{points(figure['value'])}%"
    if figure.get("interval"):
        low, high = figure["interval"]
        text += f" ({points(low)} to {points(high)})"
    return text
