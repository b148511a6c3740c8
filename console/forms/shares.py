"""Shares in forms: in percent, as pages show them; kept as 0 to 1, as programs and commands have them."""

from typing import Any

from django import forms


class ShareField(forms.FloatField):
    """A share of 0 to ``most``, in percent; its label says of what."""

    def __init__(self, *, most: float = 1.0, **kwargs: Any) -> None:
        super().__init__(min_value=0, max_value=round(100 * most), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """What was typed as it was typed, and what is kept without the digits that a float adds: 0.57 is 57."""
        return f"{100 * value:.10g}" if isinstance(value, float | int) else value

    def clean(self, value: Any) -> float | None:
        """Between 0 and 1; None of nothing."""
        in_percent = super().clean(value)
        return None if in_percent is None else in_percent / 100
