"""The scales of a project's ratings, as rows of a form: one a scale, and two more to fill in."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from annotation.preferences.axes import MOST_AXES, Axis

# How many empty rows stand below those that are filled.
SPARE = 2
Row = dict[str, Any]


class AxesWidget(forms.Widget):
    """A fieldset a scale. Its inputs are called ``NAME-0-label`` and so on; one without label and name is no scale."""

    def render(
        self, name: str, value: Any, attrs: Mapping[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        rows = [*(value or [])]
        rows += [{"required": True}] * (min(MOST_AXES, len(rows) + SPARE) - len(rows))
        context = {"name": name, "id": (attrs or {}).get("id", f"id_{name}"), "rows": rows}
        return render_to_string("admin/axes.html", context)

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> list[Row]:
        """The rows that say something, as texts."""
        rows = []
        for number in range(MOST_AXES):
            row: Row = {
                field: str(data.get(f"{name}-{number}-{field}") or "").strip() for field in Axis._fields
            }
            row["required"] = f"{name}-{number}-optional" not in data
            if row["label"] or row["name"]:
                rows.append(row)
        return rows

    def id_for_label(self, id_: str) -> str:
        return f"{id_}-0-label"


class AxesField(forms.Field):
    """Its value is what ``annotation.preferences.axes.read_axes`` reads, which says what else is wrong."""

    widget = AxesWidget

    def to_python(self, value: list[Row] | None) -> list[Row]:
        """Raises ValidationError."""
        return [_axis(row, number) for number, row in enumerate(value or [], start=1)]


def _axis(row: Row, number: int) -> Row:
    # What files and programs call it, where nobody says: of its label, as it will stay.
    name = row["name"] or re.sub(r"[^a-z0-9]+", "_", row["label"].lower()).strip("_")
    if not name:
        raise forms.ValidationError(f"Scale {number}: its label has no letters for a short name: give one.")
    ends = {end: _whole(row[end], number) for end in ("least", "most") if row[end]}
    return {**{field: row[field] for field in ("label", "least_words", "most_words", "required")}, **ends} | {
        "name": name
    }


def _whole(text: str, number: int) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise forms.ValidationError(f"Scale {number}: {text!r} is no whole number.") from error
