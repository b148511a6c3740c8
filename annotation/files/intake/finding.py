"""What a batch of lines finds in the database: prompts, by a column that has an index of its own.

An import asks while it writes, so Postgres has not counted the rows that it looks among. It plans for the table as it
last counted it, and where it knows of no rows of the project it reads all of them by the index that is smallest: the
longer the file, the longer each batch takes. So every value is looked up by itself, and the project is written in a
way that no index which begins with it can be used.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from annotation.models import Project, Prompt


def prompts_by(
    column: str, values: Iterable[str], *, project: Project, fields: Sequence[str]
) -> list[tuple[Any, ...]]:
    """``fields`` of a project's prompts whose ``column`` ("digest" or "opening") is one of ``values``.

    A prompt a digest; of an opening, which may have many, any one: they share their split.
    """
    quote = connection.ops.quote_name
    listed = ", ".join(quote(str(Prompt._meta.get_field(name).column)) for name in fields)  # type: ignore[union-attr]
    statement = f"""
        SELECT prompt.* FROM unnest(%s::text[]) AS wanted (value) CROSS JOIN LATERAL (
            SELECT {listed} FROM {quote(Prompt._meta.db_table)}
            WHERE {quote(column)} = wanted.value AND project_id + 0 = %s LIMIT 1
        ) AS prompt
    """  # noqa: S608 (put together from names of this model's columns; values are parameters)
    with connection.cursor() as cursor:
        cursor.execute(statement, [list(set(values)), project.pk])
        return list(cursor.fetchall())
