"""An artifacts' storage that takes its time: it says that it has begun to save, and goes on when it is let go."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage
from django.db import connection

begun, let_go = threading.Event(), threading.Event()
saving: list[str] = []


class SlowStorage(FileSystemStorage):
    """As a network's would be."""

    def _save(self, name: str, content: "File[Any]") -> str:
        saving.append(name)
        begun.set()
        assert let_go.wait(60)
        return str(super()._save(name, content))  # type: ignore[misc]  # django-stubs leaves it out


def slow(settings: Any) -> None:
    """Make the artifacts' storage slow from here on."""
    begun.clear()
    let_go.clear()
    saving.clear()
    artifacts = settings.STORAGES["artifacts"]
    settings.STORAGES = {
        **settings.STORAGES,
        "artifacts": {**artifacts, "BACKEND": "tests.runs.slow_storage.SlowStorage"},
    }


@contextmanager
def answered_at_once() -> Iterator[None]:
    """Nothing that is asked of the database in here waits for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '500ms'")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")


@contextmanager
def in_thread(work: Any) -> Iterator[list[Any]]:
    """``work`` beside the block, on a connection of its own; its result is in the list afterwards."""
    results: list[Any] = []

    def carry_out() -> None:
        try:
            results.append(work())
        except Exception as error:
            results.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=carry_out)
    thread.start()
    try:
        yield results
    finally:
        let_go.set()
        thread.join(60)
    assert not thread.is_alive()
