"""Lookups of Postgres that Django has no name for."""

from typing import Any

from django.db.models import Field, IntegerField, Lookup, UUIDField


@Field.register_lookup
class Among(Lookup[Any]):
    """``digest__among=[...]``: the column is one of a list, which goes to Postgres as one array.

    ``__in`` sends a parameter a value: an import asks for a thousand at a time, and putting those into the
    statement takes longer than finding the rows.
    """

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """``column = ANY(array)``."""
        column, parameters = self.process_lhs(compiler, connection)
        return f"{column} = ANY(%s::{self._type()}[])", (*parameters, list(self.rhs))

    def _type(self) -> str:
        """Of the array: without it a server that plans ahead would take every value for a text."""
        field = self.lhs.output_field
        if isinstance(field, UUIDField):
            return "uuid"
        return "bigint" if isinstance(field, IntegerField) else "text"
