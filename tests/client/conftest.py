"""The API's world behind a live server, and clients of its people."""

from collections.abc import Iterator
from typing import Any

import pytest

from concord_client import Client
from tests.api.world import World, make_world, token_of
from tests.home import HOME
from tests.runs.conftest import Workers


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def alice(world: World, live_server: Any) -> Iterator[Client]:
    """She annotates Helpful."""
    with Client(live_server.url, token_of(world.cast.alice)) as client:
        yield client


@pytest.fixture
def carol(world: World, live_server: Any) -> Iterator[Client]:
    """She researches Helpful."""
    with Client(live_server.url, token_of(world.cast.carol)) as client:
        yield client


@pytest.fixture
def worker(transactional_db: None) -> Iterator[None]:
    """One of all queues, in the home of the server that it shares files with."""
    group = Workers(HOME)
    group.worker("cpu,gpu,quick")
    yield
    group.end()
