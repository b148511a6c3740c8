"""Shares of the workers begin with what takes long and end with what is short."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.order import spread


@dataclass(frozen=True)
class Item:
    """Test ``number`` of a file, by what the order looks at."""

    path: Path
    number: int
    marks: tuple[pytest.Mark, ...] = ()

    def get_closest_marker(self, name: str) -> pytest.Mark | None:
        return next((mark for mark in self.marks if mark.name == name), None)


def file(name: str, count: int, *names: str, timeout: float | None = None) -> list[Any]:
    """The tests of a file."""
    marks = [pytest.Mark(one, (), {}, _ispytest=True) for one in names]
    if timeout is not None:
        marks.append(pytest.Mark("timeout", (timeout,), {}, _ispytest=True))
    return [Item(Path(name), number, tuple(marks)) for number in range(count)]


def shares(items: list[Any], workers: int) -> list[list[str]]:
    """The files in each worker's share, as xdist cuts them: equal parts of what is left, one worker after another."""
    names, parts = [str(item.path) for item in items], []
    for number in range(workers):
        size = len(names) // (workers - number)
        parts.append(names[:size])
        names = names[size:]
    return parts


ITEMS = [
    *file("short", 20),
    *file("waits", 2, "processes", timeout=120),
    *file("fits", 3, "long"),
    *file("waits long", 1, "processes", "long", timeout=280),
    *file("samples", 3, "long"),
    *file("demo", 2, "processes", "together"),
    *file("learns", 2, "long"),
]


def test_each_share_begins_with_what_takes_long_and_ends_with_what_is_short() -> None:
    first, second, third = shares(spread(ITEMS, 3), 3)
    assert first == ["demo"] * 2 + ["waits long"] + ["waits"] * 2 + ["short"] * 6
    assert second == ["fits"] * 3 + ["learns"] * 2 + ["short"] * 6
    assert third == ["samples"] * 3 + ["short"] * 8


@pytest.mark.parametrize("workers", [1, 2, 3, 8, 50])
def test_no_test_is_lost_or_doubled(workers: int) -> None:
    items: list[Any] = [*spread(ITEMS, workers)]
    assert sorted((item.path, item.number) for item in items) == sorted(
        (item.path, item.number) for item in ITEMS
    )


def test_one_worker_has_all_in_one_row() -> None:
    names = list(dict.fromkeys(str(item.path) for item in spread(ITEMS, 1)))
    assert names == ["demo", "waits long", "waits", "fits", "samples", "learns", "short"]
