"""The words of texts, as Postgres searches for them: an expression stands in an index, and in the search through it.

Of a long text the beginning is searched. Words are taken as they are ("simple"): prompts come in every language.
"""

from django.contrib.postgres.search import SearchQuery, SearchVector, SearchVectorField
from django.db.models import Func
from django.db.models.functions import Left

# Characters; Postgres refuses to index more than a megabyte of words.
SEARCHED = 50_000


class MessageWords(Func):
    """Of a prompt's messages, without their roles (a function of the database, made by the migration)."""

    function = "annotation_message_words"
    output_field = SearchVectorField()


def of_text(column: str) -> SearchVector:
    """Of a text."""
    return SearchVector(Left(column, SEARCHED), config="simple")


def sought(words: str) -> SearchQuery:
    """All of these words; "quoted" ones beside each other, and none after a minus."""
    return SearchQuery(words, config="simple", search_type="websearch")
