"""Lengths of time as pages say them."""

import pytest

from annotation.texts.durations import in_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "0 s"),
        (45, "45 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (3_599.6, "1 h"),
        (7_529, "2 h 5 min"),
        (86_399, "1 day"),
        (190_000, "2 days 5 h"),
    ],
)
def test_two_units_tell_how_long(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
