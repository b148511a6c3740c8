"""The strict parser of a run's config."""

from dataclasses import dataclass
from typing import Any, Literal

import pytest

from runs.folder.config import parse_config
from runs.folder.errors import BadInput


@dataclass(frozen=True)
class Inner:
    rank: int = 4


@dataclass(frozen=True)
class Outer:
    base: str
    rate: float | None = None
    fast: bool = False
    steps: int = 3
    ties: Literal["drop", "half"] = "half"
    names: tuple[str, ...] = ()
    inner: Inner | None = None

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, not {self.steps}")


def test_values_of_the_right_types_are_taken() -> None:
    given = {"base": "x", "rate": 2, "fast": True, "ties": "drop", "names": ["a"], "inner": {"rank": 2}}
    assert parse_config(Outer, given) == Outer("x", 2.0, True, 3, "drop", ("a",), Inner(2))
    assert isinstance(parse_config(Outer, given).rate, float)


def test_null_is_taken_where_a_field_may_be_null() -> None:
    assert parse_config(Outer, {"base": "x", "rate": None, "inner": None}) == Outer("x")


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"base": "x", "stepz": 1}, "stepz"),
        ({}, "base is missing"),
        ({"base": 3}, "base"),
        ({"base": None}, "base"),
        ({"base": "x", "steps": True}, "steps"),
        ({"base": "x", "steps": 2.0}, "steps"),
        ({"base": "x", "fast": 1}, "fast"),
        ({"base": "x", "rate": "1e-3"}, "rate"),
        ({"base": "x", "ties": "Half"}, "ties"),
        ({"base": "x", "names": "ab"}, "names"),
        ({"base": "x", "names": ["a", 1]}, r"names\[1\]"),
        ({"base": "x", "inner": 3}, "inner"),
        ({"base": "x", "inner": {"rang": 3}}, r"inner\.rang"),
        ({"base": "x", "steps": 0}, "steps must be at least 1"),
    ],
)
def test_what_does_not_fit_is_refused_by_the_keys_name(given: dict[str, Any], key: str) -> None:
    with pytest.raises(BadInput, match=key):
        parse_config(Outer, given)
