"""One world for all tests of a module: what a test does to its rows is undone after it."""

import copy
from collections.abc import Iterator

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from tests.api.world import World, make_world


@pytest.fixture(scope="module")
def _made(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Around each test of the module is a savepoint, for the transaction that the rows are in stays open."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_world()
        transaction.set_rollback(True)


@pytest.fixture
def world(_made: World, db: None) -> World:
    """For modules of which every test is in a transaction and may find these rows."""
    return copy.deepcopy(_made)
