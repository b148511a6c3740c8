"""In which order tests begin, so that no worker is left alone with a long one at the end.

xdist gives each worker an equal share of all tests, one behind the other, and whoever is done with theirs takes some
from the end of another's. So each share begins with what takes long and ends with what is short:

    the first       what shares a long set-up, then what waits for processes, the most patient first
    the others      what computes for long, a file to one of them
    all of them     the rest

Within each of these the order stays that of chance.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

import pytest


def spread(items: Sequence[pytest.Item], workers: int) -> list[pytest.Item]:
    """``items`` in the order for so many workers; the same on each of them."""
    kinds: dict[str, list[pytest.Item]] = {"together": [], "processes": [], "long": [], "": []}
    for item in items:
        kinds[next((name for name in kinds if name and item.get_closest_marker(name)), "")].append(item)
    shares: list[list[pytest.Item]] = [[] for _ in range(workers)]
    shares[0] += kinds["together"] + sorted(kinds["processes"], key=_patience, reverse=True)
    for file in _files(kinds["long"]):
        min(shares[1:] or shares, key=len).extend(file)
    rest = kinds[""]
    for number, share in enumerate(shares):
        left = len(items) - sum(map(len, shares[:number]))
        missing = max(0, left // (workers - number) - len(share))
        share += rest[:missing]
        del rest[:missing]
    return [item for share in shares for item in share]


def _patience(item: pytest.Item) -> float:
    """For how many seconds it may go on."""
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0]) if mark else 0.0


def _files(items: Sequence[pytest.Item]) -> Iterator[list[pytest.Item]]:
    for _, file in groupby(items, key=lambda item: item.path):
        yield list(file)
