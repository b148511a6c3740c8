"""Rows that are made once for all tests of a module: what a test does to them is undone after it."""

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

World = TypeVar("World")
# By this name in whatever module.
_ROWS = "_rows_of_the_module"


def once_a_module(make: Callable[[], World]) -> tuple[Any, Any]:
    """Two fixtures: the rows of a module, and a copy of what ``make`` returned of them for each test.

    Around each test of the module is a savepoint, for the transaction that the rows are in stays open: so each of its
    tests is in a transaction, and may find these rows. A test asks for the second by the name that it is given.
    """

    # The second must name it, for the rows have to come before a test's savepoint.
    @pytest.fixture(scope="module", name=_ROWS)
    def rows(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
        with django_db_blocker.unblock(), transaction.atomic():
            yield make()
            transaction.set_rollback(True)

    @pytest.fixture
    def world(_rows_of_the_module: World, db: None) -> World:
        return copy.deepcopy(_rows_of_the_module)

    return rows, world


def refuse_both(items: Sequence[pytest.Item]) -> None:
    """Raises UsageError where a module has tests that share rows and one that commits: the transaction of the rows is
    still open when that one runs right after the others, as chance has it, and it then fails."""
    sharing, committing = (
        {item.path for item in items if test(item)} for test in (_shares_rows, _is_transactional)
    )
    if sharing & committing:
        names = ", ".join(sorted(str(path) for path in sharing & committing))
        raise pytest.UsageError(f"Tests that commit need a module without rows that others share: {names}")


def _shares_rows(item: pytest.Item) -> bool:
    return _ROWS in getattr(item, "fixturenames", ())


def _is_transactional(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("django_db")
    by_mark = mark is not None and bool(mark.kwargs.get("transaction"))
    return by_mark or "transactional_db" in getattr(item, "fixturenames", ())
