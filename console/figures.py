"""Figures with their intervals, in words; a library of templates too, so that both round alike."""

from collections.abc import Mapping
from typing import Any

from django import template

register = template.Library()


@register.filter
def points(share: float) -> str:
    """A share in percent, as every page rounds it: 0.714 is ``71.4``."""
    return f"{100 * share:.1f}"


def percent(figure: Mapping[str, Any]) -> str:
    """A share ``{"value", "interval"}`` as ``71.4% (67.1 to 75.6)``; without an interval where it has none."""
    text = f"{points(figure['value'])}%"
    if figure.get("interval"):
        low, high = figure["interval"]
        text += f" ({points(low)} to {points(high)})"
    return text
