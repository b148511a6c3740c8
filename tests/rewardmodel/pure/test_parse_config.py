"""The strict parser of a run's config."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest

from runs.folder.config import Meaning, check_ranges, meanings, parse_config
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
    values = {"base": "x", "rate": 2, "fast": True, "ties": "drop", "names": ["a"], "inner": {"rank": 2}}
    assert parse_config(Outer, values) == Outer("x", 2.0, True, 3, "drop", ("a",), Inner(2))
    assert isinstance(parse_config(Outer, values).rate, float)


def test_null_is_taken_where_a_field_may_be_null() -> None:
    assert parse_config(Outer, {"base": "x", "rate": None, "inner": None}) == Outer("x")


@pytest.mark.parametrize(
    ("values", "key"),
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
def test_what_does_not_fit_is_refused_by_the_keys_name(values: dict[str, Any], key: str) -> None:
    with pytest.raises(BadInput, match=key):
        parse_config(Outer, values)


@dataclass(frozen=True)
class Ranged:
    share: Annotated[float, Meaning("of all", least=0, below=0.5)] = 0.0
    rate: Annotated[float | None, Meaning("of learning", above=0, most=1)] = None
    steps: Annotated[int, Meaning("optimizer steps")] = 3
    flag: Annotated[bool, Meaning("is in no range", above=1)] = True

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True, kw_only=True)
class Narrowed(Ranged):
    rate: float


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"share": -0.1}, "share must be at least 0, not -0.1"),
        ({"share": 0.5}, r"share must be below 0\.5, not 0\.5"),
        ({"rate": 0}, r"rate must be above 0, not 0\.0"),
        ({"rate": 1.5}, r"rate must be at most 1, not 1\.5"),
        ({"rate": float("nan")}, "rate must be above 0, not nan"),
        ({"share": float("inf")}, r"share must be below 0\.5, not inf"),
    ],
)
def test_values_out_of_the_range_at_their_field_are_refused(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadInput, match=f"^{sentence}$"):
        parse_config(Ranged, values)


def test_bounds_are_in_a_range_where_it_says_so_and_none_is_in_all() -> None:
    assert parse_config(Ranged, {"share": 0, "rate": 1}) == Ranged(0.0, 1.0)
    assert parse_config(Ranged, {"share": 0.49, "rate": None, "steps": -5}).steps == -5


def test_a_subclass_that_narrows_a_field_keeps_its_range() -> None:
    assert meanings(Narrowed) == meanings(Ranged)
    with pytest.raises(BadInput, match="rate must be above 0"):
        Narrowed(rate=0.0)
