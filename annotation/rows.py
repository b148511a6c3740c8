"""Rows by statements that are written out, for the few that every judgement waits for.

Django puts a query together anew each time it is asked, which takes several times as long as Postgres takes to find a
row by its key; a judgement asks a dozen. What is asked once a page or once a run stays a queryset.

    Rows(Assignment, "SELECT [assignment], [task] FROM ... WHERE assignment.id = %(id)s", task=Task).first(id=7)

Nor does Postgres plan them anew each time in a web process (config.wsgi), which takes several times as long as carrying
them out: values go beside the statement, and a connection keeps its plan for whatever values come. So a statement here
is to leave the planner no choice: every part by an index whose beginning it names, and limits on which a plan hangs
written out.

[name] stands for all columns of the table that goes by that name in the statement. An INSERT ... RETURNING is such a
statement too.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Generic, TypeVar, cast

from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.backends.utils import CursorWrapper
from django.db.models import Model
from django.db.models.fields.mixins import FieldCacheMixin

M = TypeVar("M", bound=Model)


def planned() -> CursorWrapper:
    """A cursor whose values go beside the statement, so that Postgres can keep its plan."""
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    wrapper: Any = connection  # with what Django's own cursor() does, for another class of cursor
    with connection.wrap_database_errors:
        return cast(
            "CursorWrapper", wrapper._prepare_cursor(cast("Any", ServerBindingCursor)(connection.connection))
        )


class Rows(Generic[M]):
    """A statement whose rows are of ``model``, each with the rows ``joined`` to it by the names of its relations.

    ``model`` goes by the lower case of its name in the statement; "prompt" of a "task" is joined as task__prompt.
    ``known`` are attributes, such as cached properties, that the statement gives too, after all tables: by their names,
    with what they are in SQL; [texts] stands for that of task__texts.
    """

    def __init__(
        self,
        model: type[M],
        statement: str,
        *,
        known: Mapping[str, str] = MappingProxyType({}),
        **joined: type[Model],
    ) -> None:
        self._model = model
        self._known = [name.rpartition("__")[::2] for name in known]
        for (_, name), expression in zip(self._known, known.values(), strict=True):
            statement = statement.replace(f"[{name}]", expression)
        self._tables = [_Table(model), *(_Table(other, path) for path, other in joined.items())]
        for table in self._tables:
            statement = statement.replace(f"[{table.name}]", table.columns)
        self._statement = statement

    def first(self, **values: Any) -> M | None:
        """The first row, or None."""
        with planned() as cursor:
            cursor.execute(self._statement, values)
            row = cursor.fetchone()
        return None if row is None else self._instances_of(row)

    def one(self, **values: Any) -> M:
        """The only row. Raises the model's DoesNotExist."""
        row = self.first(**values)
        if row is None:
            raise cast("Any", self._model).DoesNotExist
        return row

    def all(self, **values: Any) -> list[M]:
        """Every row."""
        with planned() as cursor:
            cursor.execute(self._statement, values)
            return [self._instances_of(row) for row in cursor.fetchall()]

    def _instances_of(self, row: Sequence[Any]) -> M:
        instances: dict[str, Model | None] = {}
        start = 0
        for table in self._tables:
            end = start + len(table.names)
            instances[table.path] = table.instance_of(row[start:end])
            start = end
            if table.path:
                owner, _, relation = table.path.rpartition("__")
                _relate(instances[owner], relation, instances[table.path])
        for (path, name), value in zip(self._known, row[start:], strict=True):
            vars(instances[path])[name] = value
        return cast("M", instances[""])


class _Table:
    """One table of a statement: its columns, and an instance of its model from their values."""

    def __init__(self, model: type[Model], path: str = "") -> None:
        self.path = path
        self.name = path.rpartition("__")[2] or model.__name__.lower()
        self._model = model
        fields = model._meta.concrete_fields
        self.names = [field.attname for field in fields]
        self.columns = ", ".join(f'{self.name}."{field.column}"' for field in fields)
        self._key = next(place for place, field in enumerate(fields) if field.primary_key)
        self._read = [
            (i, field.from_db_value) for i, field in enumerate(fields) if hasattr(field, "from_db_value")
        ]

    def instance_of(self, values: Sequence[Any]) -> Model | None:
        """The instance; None of an outer join that found none."""
        if values[self._key] is None:
            return None
        read = list(values)
        for place, converter in self._read:
            read[place] = converter(read[place], None, connection)
        return self._model.from_db(connection.alias, self.names, read)


def _relate(owner: Model | None, relation: str, related: Model | None) -> None:
    """As ``select_related`` does: None is remembered too, and not asked for again."""
    if owner is not None:
        field = cast("FieldCacheMixin", owner._meta.get_field(relation))
        field.set_cached_value(owner, related)


def values(statement: str, **parameters: Any) -> tuple[Any, ...]:
    """The first row of a statement that always has one."""
    with planned() as cursor:
        cursor.execute(statement, parameters)
        return cast("tuple[Any, ...]", cursor.fetchone())


def column(statement: str, **parameters: Any) -> Iterator[Any]:
    """The first value of each row."""
    with planned() as cursor:
        cursor.execute(statement, parameters)
        return iter([row[0] for row in cursor.fetchall()])
