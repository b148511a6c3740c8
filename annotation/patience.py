"""How long whoever looks something up lets the database search, before they are told to narrow it down."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from annotation.errors import TookTooLong

PATIENCE_MS = 5000


@contextmanager
def patiently() -> Iterator[None]:
    """In a transaction whose statements end after PATIENCE_MS. Raises TookTooLong."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(PATIENCE_MS)])
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TookTooLong("These take too long to find: narrow the list down.") from error
        raise
