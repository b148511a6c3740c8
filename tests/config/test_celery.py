"""What this process has open to send messages can be closed, and is opened anew."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from config import celery
from runs.tasks import sweep

pytestmark = pytest.mark.usefixtures("transactional_db")


@pytest.fixture(autouse=True)
def _on_the_tests_database(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    celery.disconnect()
    address = celery._address(connection.settings_dict)
    monkeypatch.setitem(celery.app.conf.broker_transport_options, "conn_string", address)
    yield
    celery.disconnect()


def sent() -> int:
    with connection.cursor() as cursor:
        cursor.execute('SELECT count(*) FROM pgmq."q_quick"')
        return int(cursor.fetchone()[0])


def sockets() -> int:
    links = (Path("/proc/self/fd") / name.name for name in Path("/proc/self/fd").iterdir())
    return sum(link.is_socket() for link in links)


def test_nothing_is_left_of_it_and_the_next_message_goes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    before, threads, files = sent(), threading.active_count(), sockets()
    sweep.apply_async(queue="quick", retry=False)
    assert threading.active_count() > threads
    assert sockets() > files
    celery.disconnect()
    assert threading.active_count() == threads
    assert sockets() == files
    sweep.apply_async(queue="quick", retry=False)
    assert sent() == before + 2
