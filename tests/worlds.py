"""Rows that are made once for all tests of a module: what a test does to them is undone after it."""

import copy
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

World = TypeVar("World")


def once_a_module(make: Callable[[], World]) -> tuple[Any, Any]:
    """Two fixtures: the rows of a module, and a copy of what ``make`` returned of them for each test.

    Around each test of the module is a savepoint, for the transaction that the rows are in stays open: so each of its
    tests is in a transaction, and may find these rows. A test asks for the second by the name that it is given.
    """

    # By this name in whatever module: the second must name it, for the rows have to come before a test's savepoint.
    @pytest.fixture(scope="module", name="_rows_of_the_module")
    def rows(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
        with django_db_blocker.unblock(), transaction.atomic():
            yield make()
            transaction.set_rollback(True)

    @pytest.fixture
    def world(_rows_of_the_module: World, db: None) -> World:
        return copy.deepcopy(_rows_of_the_module)

    return rows, world
