"""Axes of ratings: what one says by its name alone, and how long its words may be."""

import pytest

from annotation.preferences.axes import Axis, read_axes


def test_axes_that_say_their_name_alone_go_from_1_to_7_and_need_a_score() -> None:
    assert read_axes([{"name": "of_use"}]) == [Axis("of_use", "Of use", 1, 7, "", "", required=True)]


@pytest.mark.parametrize("field", ["label", "least_words", "most_words"])
def test_axes_have_words_of_200_characters_at_most(field: str) -> None:
    (axis,) = read_axes([{"name": "a", field: "x" * 200}])
    assert getattr(axis, field) == "x" * 200
    with pytest.raises(ValueError, match=field):
        read_axes([{"name": "a", field: "x" * 201}])


@pytest.mark.parametrize("field", ["label", "least_words", "most_words"])
def test_axes_hold_no_nul(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        read_axes([{"name": "a", field: "a\0b"}])
