"""The words of texts, as Postgres searches for them: an expression stands in an index, and in the search through it.

Of a long text the beginning is searched. Words are taken as they are ("simple"): prompts come in every language.

Rows are found in two ways, which find the same. ``saying`` is a condition on a row, for where most rows meet it and the
first of them are wanted. ``saying_by_index`` is for where few do: the ids that each index finds, a query for each, by
the path from a row to what has such an id. One condition with an "or" over several tables would read every row.
"""

from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchVector, SearchVectorField
from django.db.models import Func
from django.db.models.functions import Left

# By the path from a row: a query of ids.
ByIndex = dict[str, Any]
# Characters; Postgres refuses to index more than a megabyte of words.
SEARCHED = 50_000


class MessageWords(Func):
    """Of a prompt's messages, without their roles (a function of the database, made by the migration)."""

    function = "annotation_message_words"
    output_field = SearchVectorField()


def of_text(column: str) -> SearchVector:
    """Of a text."""
    return SearchVector(Left(column, SEARCHED), config="simple")


def ids(rows: Any) -> Any:
    """Of these rows, in no order."""
    return rows.order_by().values_list("pk", flat=True)


def sought(words: str) -> SearchQuery:
    """All of these words; "quoted" ones beside each other, and none after a minus."""
    return SearchQuery(words, config="simple", search_type="websearch")
