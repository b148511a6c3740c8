"""Lists of data are narrowed by the words of their pages: by the very forms that the pages are narrowed by.

A view of annotation says which kind of data it lists (``kind_of_data``); console.data knows the filters of each. What a
page takes as no filter at all, a wrong value or none, is an error here: a program does not read what is written beside
a field.
"""

from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

from annotation.api.filters import OF_LISTS, NamedFilters, query_parameter, require_known
from annotation.api.paging import NEWEST, OLDEST
from annotation.api.sorting import ORDER, SORTED
from annotation.patience import patiently
from console.data.filters import YES, Filters, OfSkips
from console.data.kinds import KINDS

# By the kind of data that a list holds.
FILTERS: dict[str, type[Filters]] = {**{kind.name: kind.filters for kind in KINDS.values()}, "skips": OfSkips}


class FiltersOfData(NamedFilters):
    """Of a view with ``kind_of_data`` the filters of that kind's page; of any other those that it names itself."""

    def filter_queryset(self, request: Request, queryset: "QuerySet[Any]", view: APIView) -> "QuerySet[Any]":
        kind = getattr(view, "kind_of_data", None)
        if kind is None:
            return super().filter_queryset(request, queryset, view)
        project = view.project  # type: ignore[attr-defined]  # lists of data are below their project
        form = FILTERS[kind](request.query_params, project=project)
        require_known(request, OF_LISTS.union(form.fields))
        empty = [name for name, value in request.query_params.items() if name in form.fields and not value]
        wrong = {name: _what_it_may_be(form, name) for name in {*form.errors, *empty} - {ORDER}}
        order = request.query_params.get(ORDER, OLDEST)
        if order not in _orders(form):
            wrong[ORDER] = [f"It must be one of {', '.join(_orders(form))}."]
        if wrong:
            raise ValidationError(wrong)
        view.sorted_by = (form.by_time | form.orders).get(order)  # type: ignore[attr-defined]  # every view is an Endpoint
        with patiently():
            return cast("QuerySet[Any]", form.narrow(queryset))

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        kind = getattr(view, "kind_of_data", None)
        if kind is None:
            return super().get_schema_operation_parameters(view)
        filters = FILTERS[kind]
        orders = _orders(filters)
        explained = ", ".join(f"{name} ({words})" for name, words in orders.items())
        return [
            *(_parameter(name, field) for name, field in filters.base_fields.items() if name != ORDER),
            query_parameter(
                ORDER,
                f"In which order rows come; {OLDEST} first where nothing is said: {explained}. At most {SORTED:,} rows "
                "are sorted by anything but time and reward",
                {"type": "string", "enum": list(orders)},
            ),
        ]


def _orders(filters: Filters | type[Filters]) -> dict[str, str]:
    """By what a list can be sorted, with what that says: the words of its page, and by time."""
    by_time = {OLDEST: "oldest first", NEWEST: "newest first"}
    return by_time | {name: one.words for name, one in filters.orders.items()}


def _what_it_may_be(form: Filters, name: str) -> list[str]:
    """What is wrong with a parameter: of a choice all that there is, else what the page says."""
    choices = _choices(form.fields[name])
    if choices:
        return [f"It must be one of {', '.join(choices)}."]
    return [str(text) for text in form.errors.get(name, ["It is empty: leave it out."])]


def _choices(field: forms.Field) -> dict[str, str]:
    """The values that a field may have, with what they say; none where it is no choice."""
    return {str(value): str(words) for value, words in getattr(field, "choices", ()) if value}


def _parameter(name: str, field: forms.Field) -> dict[str, Any]:
    """A field as OpenAPI writes it."""
    choices = _choices(field)
    explained = ", ".join(f"{value} ({words.lower()})" for value, words in choices.items())
    meaning = f"{field.label}: {explained}" if choices else str(field.label)
    return query_parameter(name, meaning, _schema(field, tuple(choices)))


def _schema(field: forms.Field, choices: tuple[str, ...]) -> dict[str, Any]:
    if set(choices) == set(YES):
        return {"type": "boolean"}
    if choices:
        return {"type": "string", "enum": list(choices)}
    if isinstance(field, forms.UUIDField):
        return {"type": "string", "format": "uuid"}
    if isinstance(field, forms.DateField):
        return {"type": "string", "format": "date"}
    if isinstance(field, forms.FloatField):
        return {"type": "number"}
    return {"type": "string", "minLength": 1, "maxLength": 200}
